"""Producers, and the acknowledgements that they owe.

Owns their opening, their replacement after a fatal error, and keeping idle ones: a new idempotent producer needs half a
second before its first record leaves, as the client library asks for its id on a timer.
"""

from __future__ import annotations

import logging
import threading
from enum import Enum
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from topics.catalog import JOBS_PREFIX, STEP_TOPICS
from topics.kafka.settings import KafkaSettings, doorbell_properties, message_properties, step_properties
from topics.ports import Ack

log = logging.getLogger(__name__)

_PURGE_SLICE_S = 0.01
_IDLE_MAX = 4
"""How many idle producers are kept; each has a connection to every broker that it wrote to."""


class Kind(Enum):
    """What a producer is for; its value makes the properties (a bare function would be a method to an Enum)."""

    STEPS = partial(step_properties)
    MESSAGES = partial(message_properties)
    DOORBELLS = partial(doorbell_properties)

    @staticmethod
    def of(topic: str) -> Kind:
        """Return by which kind the records of a topic travel."""
        if topic in STEP_TOPICS:
            return Kind.STEPS
        return Kind.DOORBELLS if topic.startswith(JOBS_PREFIX) else Kind.MESSAGES


class Channel:
    """One producer and the acknowledgements it owes."""

    def __init__(self, settings: KafkaSettings, kind: Kind) -> None:
        """Open the producer; it connects in the background."""
        self.kind = kind
        self._settings = settings
        self._properties = kind.value(settings)
        self._failed: KafkaError | None = None
        self._producer = self._open()
        self.acks: list[Ack] = []
        self.owed = 0

    def _open(self) -> Producer:
        return Producer({**self._properties, "error_cb": self._on_error})

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failed = error

    def send(self, topic: str, partition: int, key: bytes, value: bytes, context: Any) -> None:
        """Hand a record over; raises KafkaException or BufferError."""
        if self._failed is not None:
            self._renew()
        self._producer.produce(
            self._settings.topic(topic),
            value or None,
            key or None,
            partition,
            on_delivery=partial(self._delivered, topic, partition, context),
        )
        self.owed += 1

    def send_all(self, topic: str, partition: int, records: list[tuple[bytes, bytes, Any]]) -> None:
        """Hand over records (key, value, context) of one partition in one go.

        One by one, the first would leave alone, and more requests would follow. What isn't taken is told as an
        acknowledgement without an offset.

        Raises:
            BufferError, KafkaException: If none of them was taken.
        """
        if self._failed is not None:
            self._renew()
        messages: list[dict[str, Any]] = []
        for key, value, context in records:
            told = partial(self._delivered, topic, partition, context)
            messages.append({"value": value or None, "key": key or None, "callback": told})
        taken = self._producer.produce_batch(self._settings.topic(topic), messages, partition)
        # Whoever failed before any was handed over has raised; callbacks come in `poll` only.
        self.owed += len(messages)
        if taken < len(messages):
            for message, (_, _, context) in zip(messages, records, strict=True):
                if "_error" in message:
                    self.owed -= 1
                    self.acks.append(Ack(topic, partition, None, context, _reason(message["_error"])))

    def poll(self, timeout_s: float) -> None:
        """Collect what came in, waiting at most `timeout_s` for something."""
        self._producer.poll(timeout_s)

    def abandon(self) -> None:
        """Forget what isn't sent yet, without waiting for anything."""
        self._producer.purge(blocking=False)

    def _renew(self) -> None:
        """Replace a producer that the brokers shut out.

        What it still owes is unknown and is said so. Its owners claim again, as after any unknown outcome, so that the
        new producer's records can't be taken for a continuation of the old one's.
        """
        log.error("a Kafka producer failed for good and is replaced: %s", self._failed)
        self._producer.purge()
        while self.owed:
            self._producer.poll(_PURGE_SLICE_S)
        self._producer = self._open()
        self._failed = None

    def _delivered(self, topic: str, partition: int, context: Any, error: KafkaError | None, message: Message) -> None:
        self.owed -= 1
        offset = message.offset()
        if error is None and offset is not None and offset >= 0:
            self.acks.append(Ack(topic, partition, offset, context))
            return
        # A record that was sent twice after a lost answer may be acknowledged without an offset: it landed, but where?
        reason = "acknowledged without an offset" if error is None else _reason(error)
        self.acks.append(Ack(topic, partition, None, context, reason))


def _reason(error: KafkaError) -> str:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return f"{error.str()}: the topic's max.message.bytes is too small; `penstock topics apply` sets it"
    return error.str()


class Channels:
    """The idle producers of one log; any thread may ask."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Begin to open one, so that the first writer needn't wait for it."""
        self._settings = settings
        self._lock = threading.Lock()
        self._idle = [Channel(settings, Kind.STEPS)]

    def open(self, kind: Kind) -> Channel:
        """Return a producer for one writer alone."""
        with self._lock:
            for at, channel in enumerate(self._idle):
                if channel.kind is kind:
                    return self._idle.pop(at)
        return Channel(self._settings, kind)

    def give_back(self, channel: Channel) -> None:
        """Keep a producer for the next writer, if it owes nothing; otherwise give it up."""
        if channel.owed or channel.acks:
            channel.abandon()
            return
        with self._lock:
            if len(self._idle) < _IDLE_MAX:
                self._idle.append(channel)

    def close(self) -> None:
        """Let the idle ones go."""
        with self._lock:
            self._idle.clear()
