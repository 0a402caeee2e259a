"""Takes records out of a Kafka consumer: where each partition stands, waiting, waking.

Owns what reading with and without a group have in common. It knows nothing of groups.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from topics.kafka.errors import FORBIDDEN, OUT_OF_RANGE, REFUSED, cause_of, explain
from topics.kafka.settings import KafkaSettings
from topics.ports import FatalLogError, LogError, Record

BATCH_RECORDS_MAX = 10_000
"""Most records that one call to the client asks for: it allocates room for all of them beforehand."""


def record_of(message: Any, topic: str) -> Record:
    """Return a message without error as a record; typed loosely because the client's stubs allow None everywhere."""
    key, value = message.key() or b"", message.value() or b""
    return Record(topic, message.partition(), message.offset(), key, value, message.timestamp()[1])


class Intake:
    """The started partitions of one consumer.

    A partition that isn't started is not known to the consumer's fetcher at all, so "paused" costs nothing and can't
    leave stale records behind.
    """

    def __init__(self, settings: KafkaSettings, consumer: Consumer) -> None:
        """Take over the consumer; its owner still closes it, by `close`."""
        self._settings = settings
        self._consumer = consumer
        self._slice_s = settings.wake_slice_ms / 1000
        self._names: dict[str | None, str] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._failure: LogError | None = None
        self._return_now = False
        self._closed = False

    def start(self, topic: str, partition: int, offset: int) -> None:
        """Deliver a partition from `offset` on, wherever it stood before."""
        self.stop(topic, partition)
        name = self._settings.topic(topic)
        try:
            self._consumer.incremental_assign([TopicPartition(name, partition, offset)])
        except KafkaException as exception:
            raise explain(self._settings, cause_of(exception), f"reading topic {name!r}") from exception
        self._names[name] = topic
        self._next[topic, partition] = offset

    def stop(self, topic: str, partition: int) -> None:
        """Deliver nothing of a partition any more; nothing happens if it wasn't started."""
        if self._next.pop((topic, partition), None) is not None:
            self._consumer.incremental_unassign([TopicPartition(self._settings.topic(topic), partition)])

    def started(self, topic: str, partition: int) -> bool:
        """Return whether a partition is delivered."""
        return (topic, partition) in self._next

    def wake(self) -> None:
        """Make a waiting `poll`, or else the next one, return now. Any thread may call it."""
        self._return_now = True

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return what is there; see `topics.ports.Reader.poll`."""
        if self._closed:
            raise LogError("the reader is closed")
        deadline = time.monotonic() + timeout_s
        while True:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            wait_s = 0.0 if self._return_now else min(self._slice_s, max(0.0, deadline - time.monotonic()))
            records = self._take(max_records, wait_s)
            if records or self._return_now or (self._failure is None and time.monotonic() >= deadline):
                self._return_now = False
                return records

    def close(self) -> None:
        """Close the consumer; again does nothing."""
        if not self._closed:
            self._closed = True
            self._next.clear()
            self._consumer.close()

    def _take(self, max_records: int, wait_s: float) -> list[Record]:
        # consume(n, t) would wait the whole t for n messages: so one is waited for, and the rest taken as it is there.
        first = self._consumer.poll(wait_s)
        if first is None:
            return []
        records: list[Record] = []
        self._convert((first,), records)
        more = min(max_records, BATCH_RECORDS_MAX) - 1
        if more > 0:
            self._convert(self._consumer.consume(more, 0), records)
        return records

    def _convert(self, messages: Iterable[Message], records: list[Record]) -> None:
        for message in messages:
            error = message.error()
            if error is not None:
                self._note(error, message)
                continue
            record = record_of(message, self._names[message.topic()])
            where = (record.topic, record.partition)
            due = self._next.get(where)
            if due is not None and record.offset >= due:
                self._next[where] = record.offset + 1
                records.append(record)

    def _note(self, error: KafkaError, message: Message) -> None:
        """Remember an error that the client won't mend by itself; the records before it are returned first."""
        name, partition = message.topic() or "", message.partition()
        topic = self._names.get(name)
        if error.code() in OUT_OF_RANGE and topic is not None and partition is not None:
            at = self._next.get((topic, partition))
            if at is not None:
                self.stop(topic, partition)
                self._failure = FatalLogError(
                    f"offset {at} of topic {name!r}, partition {partition}, is not in the log ({error.str()}): either "
                    "retention removed it before it was read, or the topic was made anew"
                )
        elif error.code() in FORBIDDEN | REFUSED or error.fatal():
            self._failure = explain(self._settings, error, f"reading topic {name!r}")
