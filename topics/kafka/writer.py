"""Appends to Kafka: idempotent, acknowledged by all replicas, sent at once.

Owns the limits and the waiting for acknowledgements. Which partition a record goes to is the caller's choice, and what
an unknown outcome means is the step log's business.
"""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from topics.catalog import JOBS_PREFIX
from topics.kafka.channel import Channel, Channels
from topics.kafka.directory import Directory
from topics.kafka.errors import cause_of, explain
from topics.kafka.settings import KafkaSettings
from topics.ports import Ack, LogError, RecordTooLarge

_SLICE_S = 0.001
"""While both producers owe acknowledgements, each is asked in turn for so long."""


class KafkaWriter:
    """A `topics.ports.Writer`. Doorbells travel by a producer of their own, see `doorbell_properties`."""

    def __init__(self, settings: KafkaSettings, directory: Directory, channels: Channels) -> None:
        """Take a producer."""
        self._settings = settings
        self._directory = directory
        self._channels = channels
        self._main = channels.open(doorbells=False)
        self._bells: Channel | None = None
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
        most = self._settings.record_bytes_max
        if len(value) > most:
            raise RecordTooLarge(
                f"a record for {topic!r} may have {most} bytes, but this one has {len(value)}: "
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
        taken = self._taken()
        if not taken and self.outstanding:
            deadline = time.monotonic() + timeout_s
            # Producer.poll also returns for events of its own, so it is asked until an acknowledgement is there.
            while not taken and (left_s := deadline - time.monotonic()) > 0:
                self._collect(left_s)
                taken = self._taken()
        return taken

    def _channel(self, topic: str) -> Channel:
        if not topic.startswith(JOBS_PREFIX):
            return self._main
        if self._bells is None:
            self._bells = self._channels.open(doorbells=True)
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

    def _taken(self) -> list[Ack]:
        taken = self._main.acks
        self._main.acks = []
        if self._bells is not None and self._bells.acks:
            taken += self._bells.acks
            self._bells.acks = []
        return taken

    @property
    def outstanding(self) -> int:
        """How many appends have not been returned by `poll` yet."""
        main, bells = self._main, self._bells
        return main.owed + len(main.acks) + (bells.owed + len(bells.acks) if bells else 0)

    def close(self) -> None:
        """Give up; records on their way may still land."""
        if self._closed:
            return
        self._closed = True
        self._channels.give_back(self._main)
        if self._bells is not None:
            self._channels.give_back(self._bells)
