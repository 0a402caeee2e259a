"""Penstock's log on an Apache Kafka cluster."""

from __future__ import annotations

from collections.abc import Sequence

from topics.kafka.channel import Channels
from topics.kafka.directory import Directory
from topics.kafka.group import KafkaGroupReader
from topics.kafka.jobs import KafkaJobSource
from topics.kafka.reader import KafkaReader
from topics.kafka.settings import KafkaSettings
from topics.kafka.writer import KafkaWriter
from topics.ports import Assigned


class KafkaLog:
    """A `topics.ports.Log`. Use `open_kafka_log` to get one."""

    def __init__(self, settings: KafkaSettings, directory: Directory, channels: Channels) -> None:
        """Take over a connected directory and the producers."""
        self.settings = settings
        self._directory = directory
        self._channels = channels
        self._members: list[KafkaGroupReader] = []

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has."""
        return self._directory.partitions(topic)

    def begin_offset(self, topic: str, partition: int) -> int:
        """Return the first offset that retention has left."""
        return self._directory.watermarks(topic, partition)[0]

    def end_offset(self, topic: str, partition: int) -> int:
        """Return the offset that the next record will get."""
        return self._directory.watermarks(topic, partition)[1]

    def writer(self) -> KafkaWriter:
        """Return a new writer."""
        return KafkaWriter(self.settings, self._directory, self._channels)

    def reader(self) -> KafkaReader:
        """Return a new reader without partitions."""
        return KafkaReader(self.settings, self._directory)

    def group(self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Assigned) -> KafkaGroupReader:
        """Join a consumer group."""
        member = KafkaGroupReader(self.settings, self._directory, group, topics, on_assigned, on_revoked)
        self._members = [other for other in self._members if not other.closed]
        self._members.append(member)
        return member

    def jobs(self, topic: str, group: str) -> KafkaJobSource:
        """Return a taker of the job queue `topic`."""
        return KafkaJobSource(self.settings, self._directory, self._channels, topic, group)

    def close(self) -> None:
        """Close the log's own connections; writers and readers have theirs and are closed by their owners.

        Members of groups that weren't are closed here: the client library may wait for ever for one that the collector
        finds while its group is being shared out anew.
        """
        for member in self._members:
            member.close()
        self._channels.close()
        self._directory.close()


def open_kafka_log(settings: KafkaSettings) -> KafkaLog:
    """Connect to a Kafka cluster.

    Raises:
        FatalLogError: If the broker refuses our credentials, or no trusted TLS connection can be made.
        LogError: If no broker answers in `settings.connect_timeout_ms`.
    """
    return KafkaLog(settings, Directory(settings), Channels(settings))
