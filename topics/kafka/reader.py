"""Reads named partitions from Kafka, without a group."""

from __future__ import annotations

from confluent_kafka import Consumer

from topics.kafka.directory import Directory
from topics.kafka.intake import Intake
from topics.kafka.settings import KafkaSettings, consumer_properties
from topics.ports import Record


class KafkaReader:
    """A `topics.ports.Reader`."""

    def __init__(self, settings: KafkaSettings, directory: Directory) -> None:
        """Open a consumer that joins no group; it connects in the background."""
        self._directory = directory
        # The client insists on a group's name; as nothing is subscribed or committed, no broker ever hears it.
        self._intake = Intake(settings, Consumer(consumer_properties(settings, "reader")))

    def add(self, topic: str, partition: int, offset: int) -> None:
        """Read this partition too, from `offset` on."""
        self._directory.check(topic, partition)
        self._intake.start(topic, partition, offset)

    def remove(self, topic: str, partition: int) -> None:
        """Stop reading this partition."""
        self._intake.stop(topic, partition)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return at once with what is there; see the port."""
        return self._intake.poll(max_records, timeout_s)

    def wake(self) -> None:
        """Make a waiting `poll` return now."""
        self._intake.wake()

    def close(self) -> None:
        """Release what the reader holds."""
        self._intake.close()
