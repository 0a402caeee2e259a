"""Appends to Kafka: acknowledged by all replicas, sent at once, steps by an idempotent producer.

Owns the limits and the waiting for acknowledgements. Which partition a record goes to is the caller's choice, and what
an unknown outcome means is the step log's business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from topics.kafka.channel import Channel, Channels, Kind
from topics.kafka.directory import Directory
from topics.kafka.errors import cause_of, explain
from topics.kafka.settings import KafkaSettings
from topics.ports import Ack, LogError, RecordTooLarge

_SLICE_S = 0.001
"""While several producers owe acknowledgements, the first of them is asked for so long at a time."""


class KafkaWriter:
    """A `topics.ports.Writer`. Each kind of record has a producer of its own, see `topics.kafka.channel.Kind`."""

    def __init__(self, settings: KafkaSettings, directory: Directory, channels: Channels) -> None:
        """Take no producer before the first append."""
        self._settings = settings
        self._directory = directory
        self._channels = channels
        self._open: dict[Kind, Channel] = {}
        self._by_topic: dict[str, Channel] = {}
        self._closed = False
        self._gathered: dict[tuple[str, int], list[tuple[bytes, bytes, Any]]] | None = None
        self._refused: list[Ack] = []
        """Acknowledgements of what no producer took."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hand over what the block appends in one go; see the port."""
        if self._gathered is not None:
            yield
            return
        gathered = self._gathered = {}
        try:
            yield
        finally:
            self._gathered = None
            for (topic, partition), records in gathered.items():
                try:
                    self._channel(topic).send_all(topic, partition, records)
                except (BufferError, KafkaException) as exception:
                    why = str(self._refusal(topic, exception))
                    self._refused += [Ack(topic, partition, None, context, why) for _, _, context in records]

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
        if self._gathered is not None:
            self._gathered.setdefault((topic, partition), []).append((key, value, context))
            return
        try:
            self._channel(topic).send(topic, partition, key, value, context)
        except (BufferError, KafkaException) as exception:
            raise self._refusal(topic, exception) from exception

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

    def _refusal(self, topic: str, exception: BufferError | KafkaException) -> LogError:
        """Return what it means that a producer took nothing."""
        if isinstance(exception, BufferError):
            return LogError(
                f"{self.outstanding} records wait for the Kafka broker at {self._settings.bootstrap}: no more is taken"
            )
        error = cause_of(exception)
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return RecordTooLarge(f"a record for {topic!r} is too large with its key: {error.str()}")
        return explain(self._settings, error, f"writing to topic {topic!r}")

    def _channel(self, topic: str) -> Channel:
        channel = self._by_topic.get(topic)
        if channel is None:
            kind = Kind.of(topic)
            channel = self._open.get(kind)
            if channel is None:
                channel = self._open[kind] = self._channels.open(kind)
                # Waiting goes by the steps, which everything else waits for.
                self._open = dict(sorted(self._open.items(), key=lambda each: each[0] is not Kind.STEPS))
            self._by_topic[topic] = channel
        return channel

    def _collect(self, timeout_s: float) -> None:
        owing = [channel for channel in self._open.values() if channel.owed]
        for channel in owing[1:]:
            channel.poll(0.0)
            timeout_s = min(timeout_s, _SLICE_S)
        if owing:
            owing[0].poll(timeout_s)

    def _taken(self) -> list[Ack]:
        taken, self._refused = self._refused, []
        for channel in self._open.values():
            if channel.acks:
                taken += channel.acks
                channel.acks = []
        return taken

    @property
    def outstanding(self) -> int:
        """How many appends have not been returned by `poll` yet."""
        return len(self._refused) + sum(channel.owed + len(channel.acks) for channel in self._open.values())

    def close(self) -> None:
        """Give up; records on their way may still land."""
        if self._closed:
            return
        self._closed = True
        for channel in self._open.values():
            self._channels.give_back(channel)
