"""What the tests of the embedded log share: reading everything, and writing numbered records."""

from __future__ import annotations

from pathlib import Path

from topics.embedded.rocks import EmbeddedLog, open_embedded_log
from topics.embedded.rules import TopicRules
from topics.ports import Log, Record

PARTITIONS = {"a": 1, "b": 2, "rows": 1, "jobs.default": 1}
RULES = TopicRules(PARTITIONS, retention_ms=lambda topic: 1_000, compacted=lambda topic: topic == "rows")


def open_log(directory: Path, now_ms: int = 0) -> EmbeddedLog:
    return open_embedded_log(directory, RULES, now_ms=lambda: now_ms)


def read_partition(log: Log, topic: str, partition: int, at_once: int = 1000) -> list[Record]:
    reader = log.reader()
    reader.add(topic, partition, log.begin_offset(topic, partition))
    records: list[Record] = []
    while got := reader.poll(at_once, 0.0):
        records += got
    reader.close()
    return records


def read_all(log: Log) -> dict[tuple[str, int], list[tuple[int, bytes, bytes]]]:
    return {
        (topic, number): [(r.offset, r.key, r.value) for r in read_partition(log, topic, number)]
        for topic, count in PARTITIONS.items()
        for number in range(count)
    }


def append_all(
    log: Log, topic: str, partition: int, values: list[bytes], *, per_write: int = 1, key: bytes = b""
) -> None:
    """Append without waiting for a sync, `per_write` records to an entry."""
    writer = log.writer()
    for number, value in enumerate(values, 1):
        writer.append(topic, partition, key, value, durable=False)
        if number % per_write == 0:
            writer.poll()
    writer.poll()
    writer.close()
