"""One partition of the embedded log: where it begins and ends, its newest records in memory, who waits for more.

Owns no thread and no byte on disk. The log changes a partition under its lock, after the bytes were written; readers
look without a lock, which is safe because each field is replaced or extended in one step of the interpreter.
"""

from __future__ import annotations

import threading
from collections import deque

from topics.embedded.layout import entry_prefix, first_chain
from topics.embedded.wakeup import Wakeup
from topics.ports import Record

_LISTENING = threading.Lock()
"""For changes of any partition's waiters: rare, short, and never together with another lock."""


class Partition:
    """State of one partition.

    Attributes:
        begin: First offset that retention has left.
        end: Offset of the next record. Never behind `window`.
        chain: Chain value of the last entry.
        window: (offset of the first, records without gaps up to `end`): the newest records, as they were appended.
        fresh: Records of the write that is going on.
        waiters: Told when records arrive.
        compacted: End of the partition when compaction last looked at it.
        freed: Bytes that retention deleted and whose space wasn't reclaimed.
        live: How many records it left.
        single: Each record gets an entry of its own, because compaction takes records out one by one.
    """

    __slots__ = (
        "begin",
        "chain",
        "compacted",
        "end",
        "freed",
        "fresh",
        "limit",
        "live",
        "number",
        "prefix",
        "single",
        "topic",
        "topic_number",
        "waiters",
        "window",
    )

    def __init__(self, topic: str, topic_number: int, number: int, limit: int, single: bool) -> None:
        self.topic = topic
        self.topic_number = topic_number
        self.number = number
        self.limit = limit
        self.single = single
        self.prefix = entry_prefix(topic_number, number)
        self.begin = 0
        self.end = 0
        self.compacted = 0
        self.live = 0
        self.freed = 0
        self.chain = first_chain(self.prefix)
        self.window: tuple[int, list[Record]] = (0, [])
        self.fresh: list[Record] = []
        self.waiters: tuple[Wakeup, ...] = ()

    def publish(self, chain: bytes) -> int:
        """Let readers see `fresh`, whose last entry has this chain value; return how many records that are."""
        fresh = self.fresh
        self.fresh = []
        self.window[1].extend(fresh)
        self.end += len(fresh)
        self.chain = chain
        for waiter in self.waiters:
            waiter.notify()
        return len(fresh)

    def adopt(self, stored: Partition) -> None:
        """Be as this copy of the partition, which was just read from the database."""
        self.begin = stored.begin
        self.window = (stored.end, [])
        self.end = stored.end
        self.chain = stored.chain
        for waiter in self.waiters:
            waiter.notify()

    def listen(self, waiter: Wakeup) -> None:
        """Tell this waiter of new records."""
        with _LISTENING:
            self.waiters = (*self.waiters, waiter)

    def ignore(self, waiter: Wakeup) -> None:
        """Tell it no longer."""
        with _LISTENING:
            self.waiters = tuple(other for other in self.waiters if other is not waiter)

    def forget(self, upto: int) -> None:
        """Drop records below this offset from the window."""
        base, records = self.window
        if upto > base:
            self.window = (upto, records[upto - base :])


class WindowBudget:
    """Bounds what all windows of a log hold together, oldest out first.

    Args:
        records_max: Records in all windows.
        bytes_max: Bytes of their keys and values.
    """

    __slots__ = ("_bytes", "_bytes_max", "_records", "_records_max", "_spans")

    def __init__(self, records_max: int, bytes_max: int) -> None:
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._records = 0
        self._bytes = 0
        self._spans: deque[tuple[Partition, int, int, int]] = deque()

    def add(self, partition: Partition, records: int, size: int) -> None:
        """Count records that were just published, and make room if that was too much."""
        self._spans.append((partition, partition.end, records, size))
        self._records += records
        self._bytes += size
        # Trimming copies what stays, so it is done seldom: a quarter over the limit.
        if self._records > self._records_max * 5 // 4 or self._bytes > self._bytes_max * 5 // 4:
            self._trim()

    def _trim(self) -> None:
        upto: dict[Partition, int] = {}
        while self._spans and (self._records > self._records_max or self._bytes > self._bytes_max):
            partition, end, records, size = self._spans.popleft()
            self._records -= records
            self._bytes -= size
            upto[partition] = end
        for partition, end in upto.items():
            partition.forget(end)
