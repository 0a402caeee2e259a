"""Timers of one partition: rows ordered by due time, the nearest of them in memory.

Owns the index of timers and which are due. What a timer means is the engine's;
one that was cleared or set again in the meantime makes no event there.
"""

from __future__ import annotations

import heapq

from engine.machine import Row, Timer
from executor.state.rows import PartitionRows

WINDOW_MS = 60_000
"""Timers due within it are held in memory; later ones stay on disk until their minute comes."""
DUE_MAX = 200
"""Timers fired per pass, so that a backlog after a downtime doesn't starve live traffic."""

FAMILY = b"d"


def timer_index(aggregate_id: str, key: str, row: Row) -> tuple[bytes, ...]:
    """Return the index key of a timer's row: ordered by due time."""
    if not isinstance(row, Timer):
        return ()
    return (FAMILY + row.due_ms.to_bytes(8, "big") + aggregate_id.encode() + b"\0" + key[2:].encode(),)


class Timers:
    """Which timers are due.

    Args:
        rows: The partition's rows, with `timer_index` among their indexes.
    """

    def __init__(self, rows: PartitionRows) -> None:
        self._rows = rows
        self._heap: list[tuple[int, str, str]] = []
        self._loaded_ms = 0
        """Stored timers due before it are in the heap."""

    def reload(self) -> None:
        """Forget what is in memory: the rows were folded anew."""
        self._heap.clear()
        self._loaded_ms = 0

    def note(self, aggregate_id: str, timer_id: str, due_ms: int) -> None:
        """A timer was set, and is stored."""
        if due_ms < self._loaded_ms:
            heapq.heappush(self._heap, (due_ms, aggregate_id, timer_id))

    def due(self, now_ms: int) -> list[tuple[int, str, str]]:
        """Take the timers that are due, at most `DUE_MAX`, as (due_ms, aggregate id, timer id), oldest first."""
        if now_ms >= self._loaded_ms:
            self._load(now_ms + WINDOW_MS)
        heap = self._heap
        found: list[tuple[int, str, str]] = []
        while heap and heap[0][0] <= now_ms and len(found) < DUE_MAX:
            found.append(heapq.heappop(heap))
        return found

    def next_ms(self) -> int:
        """Return when to look again at the latest."""
        return min(self._heap[0][0], self._loaded_ms) if self._heap else self._loaded_ms

    def _load(self, until_ms: int) -> None:
        start = FAMILY + max(self._loaded_ms, 0).to_bytes(8, "big")
        for index_key in self._rows.index(start, FAMILY + until_ms.to_bytes(8, "big")):
            aggregate_id, _nul, timer_id = index_key[9:].partition(b"\0")
            due_ms = int.from_bytes(index_key[1:9], "big")
            heapq.heappush(self._heap, (due_ms, aggregate_id.decode(), timer_id.decode()))
        self._loaded_ms = until_ms
