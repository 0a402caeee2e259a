"""Reads the partitions that a Kafka consumer group gives to this process.

Owns membership: what is assigned, what was taken away. Safety against a member that doesn't know yet that it lost a
partition is the step log's (epochs), not ours.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from topics.kafka.directory import Directory
from topics.kafka.errors import cause_of, explain
from topics.kafka.intake import Intake
from topics.kafka.settings import KafkaSettings, member_properties
from topics.ports import Assigned, LogError, Record

log = logging.getLogger(__name__)


class KafkaGroupReader:
    """A `topics.ports.GroupReader` on the classic protocol, with cooperative rebalancing."""

    def __init__(
        self,
        settings: KafkaSettings,
        directory: Directory,
        group: str,
        topics: Sequence[str],
        on_assigned: Assigned,
        on_revoked: Assigned,
    ) -> None:
        """Join the group; partitions come during `poll`."""
        self._settings = settings
        self._group = settings.group(group)
        self._topics = {settings.topic(topic): topic for topic in topics}
        for topic in topics:
            directory.partitions(topic)
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._bug: BaseException | None = None
        self._kept: list[Record] = []
        self._closing = False
        self._hints: dict[tuple[str, int], int] = {}
        """Commits of this member: they are sent in the background, so that asking at once would miss them."""
        self._consumer = Consumer({**member_properties(settings, group), "on_commit": self._committed})
        self._intake = Intake(settings, self._consumer)
        self._consumer.subscribe(
            list(self._topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """As `Reader.poll`; may first call `on_assigned` and `on_revoked`, and returns soon after it did."""
        if self._kept:
            records, self._kept = self._kept[:max_records], self._kept[max_records:]
            return records
        records = self._intake.poll(max_records, timeout_s)
        if self._bug is not None:
            bug, self._bug = self._bug, None
            self._kept = records
            raise bug
        return records

    def start(self, topic: str, partition: int, offset: int) -> None:
        """Deliver this assigned partition from `offset` on."""
        self._intake.start(topic, partition, offset)

    def pause(self, topic: str, partition: int) -> None:
        """Deliver nothing of this partition until `start` is called again."""
        self._intake.stop(topic, partition)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """Leave the next offset to read, as a hint; it is sent in the background."""
        where = TopicPartition(self._settings.topic(topic), partition, offset)
        self._hints[topic, partition] = offset
        try:
            self._consumer.commit(offsets=[where], asynchronous=True)
        except KafkaException as exception:
            log.debug("a committed offset was not sent: %s", exception)

    def committed(self, topic: str, partition: int) -> int | None:
        """Return the hint, None if there is none."""
        own = self._hints.get((topic, partition))
        if own is not None:
            return own
        where = TopicPartition(self._settings.topic(topic), partition)
        doing = f"asking for the offset that group {self._group!r} committed for {where.topic!r}"
        try:
            (found,) = self._consumer.committed([where], timeout=self._settings.connect_timeout_ms / 1000)
        except KafkaException as exception:
            raise explain(self._settings, cause_of(exception), doing) from exception
        if found.error is not None:
            raise LogError(f"{doing}: {found.error}")
        return found.offset if found.offset >= 0 else None

    def wake(self) -> None:
        """Make a waiting `poll` return now."""
        self._intake.wake()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closing

    def close(self) -> None:
        """Leave the group at once; the callbacks are not called for what this gives up."""
        self._closing = True
        self._intake.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Nothing is handed to the fetcher yet: `start` does, with the offset that the owner knows.
        consumer.incremental_assign([])
        self._tell(self._on_assigned, partitions)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for found in partitions:
            self._intake.stop(self._topics[found.topic], found.partition)
            self._hints.pop((self._topics[found.topic], found.partition), None)
        self._tell(self._on_revoked, partitions)
        consumer.incremental_unassign([])

    def _tell(self, whom: Assigned, partitions: list[TopicPartition]) -> None:
        """Call back. An exception there is kept for the end of `poll`: thrown here it would lose fetched records."""
        if self._closing or not partitions:
            return
        try:
            whom([(self._topics[found.topic], found.partition) for found in partitions])
        except BaseException as bug:
            self._bug = bug
        self._intake.wake()

    def _committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if error is not None:
            log.debug("committed offsets of group %s were refused: %s", self._group, error)
