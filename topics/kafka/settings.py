"""How Penstock reaches a Kafka cluster, and what that means for the client library.

Owns the settings' defaults and their translation to librdkafka's properties, one function per role of a client. It
opens no connection.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Literal

import msgspec

from topics.catalog import RECORD_BYTES_MAX

RECORD_OVERHEAD_BYTES = 65_536
"""Room for a record's key and framing on top of its value."""

_HIDDEN = "***"
_LOG_REPEAT_S = 10.0
_DAY_MS = 86_400_000
_METADATA_MS = 30_000
"""How often a client asks where the partitions are: one small request per client, and the longest that it may be
wrong about a leader."""


class KafkaSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """How connections are encrypted and who we are. The defaults are a broker on the loopback: neither."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"] = "PLAIN"
    username: str = ""
    password: str = ""
    ca_file: str = ""
    """PEM file of the authorities to trust; empty: the system's."""
    certificate_file: str = ""
    """PEM file of our own certificate, for brokers that ask for one."""
    key_file: str = ""
    key_password: str = ""
    verify_host_name: bool = True

    def __repr__(self) -> str:
        """Show everything but the secrets."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        for name in ("password", "key_password"):
            shown[name] = _HIDDEN if shown[name] else ""
        return f"KafkaSecurity({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __rich_repr__(self) -> Any:
        """Show the same where rich prints it: by default it would walk the fields."""
        yield repr(self)

    def properties(self) -> dict[str, Any]:
        """Return librdkafka's properties; those that don't apply to the protocol are left out."""
        found: dict[str, Any] = {"security.protocol": self.protocol}
        if self.protocol.startswith("SASL"):
            found["sasl.mechanism"] = self.sasl_mechanism
            if self.username:
                found |= {"sasl.username": self.username, "sasl.password": self.password}
        if self.protocol.endswith("SSL"):
            files = {
                "ssl.ca.location": self.ca_file,
                "ssl.certificate.location": self.certificate_file,
                "ssl.key.location": self.key_file,
                "ssl.key.password": self.key_password,
            }
            found |= {name: value for name, value in files.items() if value}
            found["ssl.endpoint.identification.algorithm"] = "https" if self.verify_host_name else "none"
        return found


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an operator may set about Kafka. Times are milliseconds."""

    bootstrap: str = "127.0.0.1:19092"
    """`host:port`, several with commas."""
    prefix: str = "penstock."
    """Starts the name of every topic and group, so that several Penstocks can live on one cluster."""
    partitions: int = 12
    """Partitions of the sharded topics; fixed when they are created."""
    replication: int | None = None
    """Copies of each partition; None: three, or as many as there are brokers."""
    security: KafkaSecurity = KafkaSecurity()
    client_id: str = "penstock"
    """Shown in the brokers' logs and quotas."""
    connect_timeout_ms: int = 5_000
    """How long to look for a broker before saying that there is none; also the limit of metadata and offset queries."""
    delivery_timeout_ms: int = 30_000
    """After this an append is given up as unknown."""
    session_timeout_ms: int = 6_000
    """A member that was silent so long loses its partitions. 6 s is the least that brokers accept by default."""
    poll_interval_ms: int = 60_000
    """A member whose thread didn't poll for so long is stuck, and loses its partitions too."""
    fetch_wait_ms: int = 100
    """How long a broker holds back an empty answer. It bounds how late a partition that was just added is first read,
    as one request is under way per broker; records themselves never wait for it."""
    record_bytes_max: int = RECORD_BYTES_MAX
    """Largest value of a record."""
    wake_slice_ms: int = 4
    """How late `wake` may be noticed: the client library's wait can't be interrupted, so waiting is done in slices."""
    job_transport: Literal["auto", "share", "classic"] = "auto"
    """How workers take doorbells: by a share group, by a classic consumer group, or by what the brokers offer."""
    extra: dict[str, str] = {}
    """More librdkafka properties, for all clients; they win over ours."""

    def __repr__(self) -> str:
        """Show everything but the secrets; of `extra` only the names, as it may hold some."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["extra"] = dict.fromkeys(self.extra, _HIDDEN)
        return f"KafkaSettings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __rich_repr__(self) -> Any:
        """Show the same where rich prints it: by default it would walk the fields."""
        yield repr(self)

    @property
    def batch_bytes_max(self) -> int:
        """`max.message.bytes` of every topic, and the producers' limit: one record of the largest size always fits."""
        return self.record_bytes_max + RECORD_OVERHEAD_BYTES

    def topic(self, name: str) -> str:
        """Return a topic's name on the cluster."""
        return self.prefix + name

    def group(self, name: str) -> str:
        """Return a group's name on the cluster."""
        return self.prefix + name


class _OncePerWhile(logging.Filter):
    """Lets a client's complaint through once in ten seconds: it reconnects again and again while a broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether this kind of line has not been said lately."""
        kind = record.args[0] if isinstance(record.args, tuple) and record.args else record.msg
        # That the client's share groups are young, at each start; and that the brokers have none, which we say better.
        if kind == "SHARECONSUMER" or (kind == "FATAL" and "ShareGroupHeartbeat" in record.getMessage()):
            return False
        now = time.monotonic()
        if now - self._said.get(kind, -_LOG_REPEAT_S) < _LOG_REPEAT_S:
            return False
        self._said[kind] = now
        return True


_SHARE_BATCH = 16
"""Doorbells that a worker takes from a share group at once; one by one it would be bound to some 200 tasks a second."""

client_log = logging.getLogger("topics.kafka.client")
"""Where the client library's own lines go."""
client_log.addFilter(_OncePerWhile())


def client_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every client needs: where to connect, as whom, how to come back."""
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.client_id,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        # The client asks at once for the leader of a partition whose connection broke, but not while that connection
        # is only awaited: a reader that missed a move in a long outage stays idle until the regular question. By
        # default that comes each five minutes, and what it told is believed for three times as long.
        "topic.metadata.refresh.interval.ms": _METADATA_MS,
        "metadata.max.age.ms": 3 * _METADATA_MS,
        "logger": client_log,
        **settings.security.properties(),
    }


def step_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return the properties of the producer of step logs: acknowledged by all, never twice, never out of order."""
    return {
        **client_properties(settings),
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 0,
        "compression.type": "lz4",
        "message.max.bytes": settings.batch_bytes_max,
        "delivery.timeout.ms": settings.delivery_timeout_ms,
        "queue.buffering.max.kbytes": 131_072,
        **settings.extra,
    }


def message_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return the properties of the producer of messages: commands, grants, heartbeats, logs.

    Not idempotent, as whoever gets a message twice takes it once. The client's idempotent producer polls its socket
    at full speed while a partition has five messages on their way and more to send: that is half a core for each busy
    worker. One request at a time to a broker keeps them in order all the same, and what waits meanwhile makes the next.
    """
    return {
        **step_properties(settings),
        "enable.idempotence": False,
        "max.in.flight.requests.per.connection": 1,
        **settings.extra,
    }


def doorbell_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return the properties of the producer of doorbells.

    For share groups one record per batch: they hand out whole batches, so that a worker with one free slot would get,
    and sit on, all doorbells that were rung together. Their order doesn't matter, nor does one that rings twice.
    """
    return {
        **step_properties(settings),
        "enable.idempotence": False,
        "compression.type": "none",
        **({} if settings.job_transport == "classic" else {"batch.num.messages": 1}),
        **settings.extra,
    }


def consumer_properties(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """Return a consumer's properties; offsets are the owner's business, so nothing is committed or reset by itself."""
    return {
        **client_properties(settings),
        "group.id": settings.group(group),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "allow.auto.create.topics": False,
        # No transaction is ever written here; reading past one that a foreign tool left open must not block.
        "isolation.level": "read_uncommitted",
        "check.crcs": True,
        "fetch.min.bytes": 1,
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        "fetch.error.backoff.ms": 50,
        "queued.max.messages.kbytes": 32_768,
        # How long fetching rests when that queue is full; the default of a second would halve the speed of a long fold.
        "fetch.queue.backoff.ms": 10,
        **settings.extra,
    }


def member_properties(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """Return the properties of a member of a classic consumer group.

    Cooperative, because a rebalance then leaves alone what doesn't move: under the eager protocol every partition of
    every member stops, folds and claims again whenever one member comes or goes. Classic, because the newer protocol
    can't notice a dead member before 45 s unless the brokers are set up for it.
    """
    return {
        **consumer_properties(settings, group),
        "group.protocol": "classic",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        # The answer to a heartbeat tells of a rebalance, so this is how late a member hears of one.
        "heartbeat.interval.ms": min(500, settings.session_timeout_ms // 3),
        "max.poll.interval.ms": max(settings.poll_interval_ms, settings.session_timeout_ms),
        **settings.extra,
    }


def share_properties(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """Return the properties of a member of a share group."""
    return {
        **client_properties(settings),
        "group.id": settings.group(group),
        "share.acknowledgement.mode": "explicit",
        "max.poll.records": _SHARE_BATCH,
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        # A worker whose slots are full for a day takes nothing, and is no less a member for it.
        "max.poll.interval.ms": _DAY_MS,
        **settings.extra,
    }
