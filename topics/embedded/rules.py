"""What the embedded log must know of a topic: how many partitions, how long kept, compacted or not.

Reads `topics/catalog.py`, the one table; a caller may bring other rules, as tests do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from topics.catalog import BY_NAME, DEFAULT_QUEUE, JOBS_PREFIX, RECORD_BYTES_MAX, Topic, jobs_of

PartitionsFor = Callable[[str], int] | Mapping[str, int]
"""How many partitions a topic has; KeyError for a topic that doesn't exist."""


def catalog_row(topic: str) -> Topic:
    """Return the table's row of a topic; every job queue has that of the default queue. Raises KeyError."""
    return BY_NAME[jobs_of(DEFAULT_QUEUE) if topic.startswith(JOBS_PREFIX) else topic]


def catalog_partitions(sharded: int) -> Callable[[str], int]:
    """Return a `PartitionsFor` of the table's topics: `sharded` for those keyed by execution, 1 for the others."""

    def count(topic: str) -> int:
        return sharded if catalog_row(topic).sharded else 1

    return count


def catalog_retention_ms(topic: str) -> int | None:
    """Return how long the table keeps a topic's records; None, for ever, also for topics that aren't in it."""
    try:
        return catalog_row(topic).retention_ms
    except KeyError:
        return None


def catalog_compacted(topic: str) -> bool:
    """Tell whether the table keeps only the last record of each key."""
    try:
        return catalog_row(topic).compacted
    except KeyError:
        return False


class TopicRules(msgspec.Struct, frozen=True):
    """The rules of one log."""

    partitions_for: PartitionsFor
    retention_ms: Callable[[str], int | None] = catalog_retention_ms
    compacted: Callable[[str], bool] = catalog_compacted
    record_bytes_max: int = RECORD_BYTES_MAX

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic is to have. Raises KeyError if it doesn't exist."""
        if callable(self.partitions_for):
            return self.partitions_for(topic)
        if topic in self.partitions_for:
            return self.partitions_for[topic]
        if topic.startswith(JOBS_PREFIX):
            return self.partitions_for[jobs_of(DEFAULT_QUEUE)]
        raise KeyError(topic)
