"""Appends to Kafka: idempotent, acknowledged by all replicas, sent at once.

Owns the counting of acknowledgements. Which partition a record goes to is the caller's choice, and what an unknown
outcome means is the step log's business.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from topics.catalog import JOBS_PREFIX, RECORD_BYTES_MAX
from topics.kafka.directory import Directory
from topics.kafka.errors import cause_of, explain
from topics.kafka.settings import KafkaSettings, producer_properties
from topics.ports import Ack, LogError, RecordTooLarge

log = logging.getLogger(__name__)

_SLICE_S = 0.001
"""While both producers owe acknowledgements, each is asked in turn for so long."""


class _Channel:
    """One producer and the acknowledgements it owes."""

    def __init__(self, settings: KafkaSettings, acks: list[Ack], *, single: bool) -> None:
        self._settings = settings
        self._single = single
        self._acks = acks
        self._producer = self._open()
        self._failed: KafkaError | None = None
        self.owed = 0

    def _open(self) -> Producer:
        properties = producer_properties(self._settings, single=self._single)
        return Producer({**properties, "error_cb": self._on_error})

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failed = error

    def send(self, topic: str, partition: int, key: bytes, value: bytes, context: Any) -> None:
        """Hand over; raises KafkaException or BufferError."""
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

    def _renew(self) -> None:
        """Replace a producer that the brokers shut out.

        What it still owes is unknown and is said so; its owners claim again, as after any unknown outcome, so that the
        new producer's records can't be taken for a continuation of the old one's.
        """
        log.error("the Kafka producer failed and is replaced: %s", self._failed)
        self._producer.purge()
        while self.owed:
            self._producer.poll(_SLICE_S)
        self._failed = None
        self._producer = self._open()

    def poll(self, timeout_s: float) -> None:
        """Collect what came in, waiting at most `timeout_s` for something."""
        self._producer.poll(timeout_s)

    def abandon(self) -> None:
        """Forget what isn't sent yet."""
        self._producer.purge(blocking=False)

    def _delivered(self, topic: str, partition: int, context: Any, error: KafkaError | None, message: Message) -> None:
        self.owed -= 1
        offset = message.offset()
        if error is None and offset is not None and offset >= 0:
            self._acks.append(Ack(topic, partition, offset, context))
            return
        # A record that was sent twice after a lost answer may be acknowledged without an offset: it landed, but where?
        reason = "acknowledged without an offset" if error is None else _reason(error)
        self._acks.append(Ack(topic, partition, None, context, reason))


def _reason(error: KafkaError) -> str:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return f"{error.str()}: the topic's max.message.bytes is too small; `penstock topics apply` sets it"
    return error.str()


class KafkaWriter:
    """A `topics.ports.Writer`. Doorbells travel by a producer of their own, see `producer_properties`."""

    def __init__(self, settings: KafkaSettings, directory: Directory) -> None:
        """Open the producer; it connects in the background."""
        self._settings = settings
        self._directory = directory
        self._acks: list[Ack] = []
        self._main = _Channel(settings, self._acks, single=False)
        self._bells: _Channel | None = None
        self._closed = False

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes,
        *,
        durable: bool = True,
        context: Any = None,
        message: Any = None,
    ) -> None:
        """Hand a record over; see the port."""
        if self._closed:
            raise LogError("the writer is closed")
        if len(value) > RECORD_BYTES_MAX:
            raise RecordTooLarge(
                f"a record for {topic!r} may have {RECORD_BYTES_MAX} bytes, but this one has {len(value)}: "
                "put large values into the storage and pass a reference"
            )
        self._directory.check(topic, partition)
        try:
            self._channel(topic).send(topic, partition, key, value, context)
        except BufferError:
            raise LogError(
                f"{self.outstanding} records wait for the Kafka broker at {self._settings.bootstrap}: no more is taken"
            ) from None
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise RecordTooLarge(f"a record for {topic!r} is too large with its key: {error.str()}") from exception
            raise explain(self._settings, error, f"writing to topic {topic!r}") from exception

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        """Return acknowledgements; see the port."""
        self._collect(0.0)
        if not self._acks and self.outstanding:
            deadline = time.monotonic() + timeout_s
            # Producer.poll also returns for events of its own, so it is asked until an acknowledgement is there.
            while not self._acks and (left_s := deadline - time.monotonic()) > 0:
                self._collect(left_s)
        taken = self._acks[:]
        self._acks.clear()
        return taken

    def _channel(self, topic: str) -> _Channel:
        if not topic.startswith(JOBS_PREFIX):
            return self._main
        if self._bells is None:
            self._bells = _Channel(self._settings, self._acks, single=True)
        return self._bells

    def _collect(self, timeout_s: float) -> None:
        bells = self._bells
        if bells is None or not bells.owed:
            self._main.poll(timeout_s)
        elif not self._main.owed:
            bells.poll(timeout_s)
        else:
            self._main.poll(min(timeout_s, _SLICE_S))
            bells.poll(0.0)

    @property
    def outstanding(self) -> int:
        """How many appends have not been returned by `poll` yet."""
        return self._main.owed + (self._bells.owed if self._bells else 0) + len(self._acks)

    def close(self) -> None:
        """Give up; records on their way may still land."""
        if self._closed:
            return
        self._closed = True
        self._main.abandon()
        if self._bells is not None:
            self._bells.abandon()
