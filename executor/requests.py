"""Requests that wait for an answer: what rows say is outstanding, and the attempts that are at workers.

Owns when something is said again: effects are level-triggered, so each outstanding request is a row until it is
answered, and this is their table. What a row waits for is the engine's; it sends nothing, `executor/partition.py` asks
it what to repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from engine.execution.state import TaskRun
from engine.machine import Aggregate, Effect, Row, Rows
from engine.values import State
from executor.state.rows import PartitionRows

FAMILY = b"u"
TASK_RUNS = "t"
TIMERS = "m/"
LOOK_MS = 5_000
"""After so long it is worked out what a row is to be asked for again: most are answered by then. No `first_ms` of an
`Outstanding` is shorter."""
NEVER_MS = 2**62


class Request(msgspec.Struct):
    """One row that waits."""

    row: Row
    since_ms: int
    """When it was written."""
    again_ms: int
    """When to look at it."""
    repeats: int = 0


class Requests:
    """The rows of one partition that wait for something.

    Args:
        aggregate: Says what its rows wait for.
    """

    def __init__(self, aggregate: Aggregate) -> None:
        self._outstanding = aggregate.outstanding
        self._segments = frozenset(aggregate.outstanding)
        self._open: dict[tuple[str, str], Request] = {}

    def __len__(self) -> int:
        return len(self._open)

    def index(self, aggregate_id: str, key: str, row: Row) -> tuple[bytes, ...]:
        """Return the index key of a row that waits."""
        if not self._waits(key, row):
            return ()
        return (FAMILY + aggregate_id.encode() + b"\0" + key.encode(),)

    def reload(self, rows: PartitionRows, now_ms: int) -> None:
        """Read what waits after a fold; all of it is due at once."""
        self._open.clear()
        for index_key in rows.index(FAMILY, FAMILY + b"\xff"):
            aggregate_id, _nul, key = index_key[1:].decode().partition("\0")
            row = rows.of(aggregate_id).get(key)
            if row is not None and self._waits(key, row):
                self._open[(aggregate_id, key)] = Request(row, now_ms - NEVER_MS, now_ms)

    def note(self, aggregate_id: str, rows: Mapping[str, Row | None], now_ms: int) -> None:
        """Rows were written, by key."""
        segments = self._segments
        for key, row in rows.items():
            if key[0] not in segments:
                continue
            if row is not None and self._waits(key, row):
                self._open[(aggregate_id, key)] = Request(row, now_ms, now_ms + LOOK_MS)
            else:
                self.drop(aggregate_id, key)

    def drop(self, aggregate_id: str, key: str) -> None:
        """Forget a request that has become idle, however that came about."""
        self._open.pop((aggregate_id, key), None)

    def held(self) -> Iterator[tuple[str, str, TaskRun]]:
        """Yield (execution id, key, task run) of attempts that are at a worker."""
        for (execution_id, key), request in list(self._open.items()):
            if isinstance(request.row, TaskRun) and request.row.state is State.RUNNING:
                yield execution_id, key, request.row

    def due(self, now_ms: int) -> Iterator[tuple[str, str, Row, Effect]]:
        """Yield (aggregate id, key, row, effect) of what must be said again now."""
        for (aggregate_id, key), request in list(self._open.items()):
            if request.again_ms > now_ms:
                continue
            waits = self._outstanding[key[0]](request.row)
            if waits is None:  # at a worker, of whom nothing is asked as long as it lives
                request.again_ms = NEVER_MS
            elif now_ms - request.since_ms < waits.first_ms:
                request.again_ms = request.since_ms + waits.first_ms
            else:
                request.repeats += 1
                request.again_ms = now_ms + min(waits.first_ms << min(request.repeats, 16), waits.most_ms)
                yield aggregate_id, key, request.row, waits.effect

    def any_of(self, rows: Rows) -> bool:
        """Tell whether an aggregate that is over waits for something all the same: for an answer, or for its time.

        Its attempts don't count any more.
        """
        return any(key.startswith(TIMERS) for key, _row in rows.scan(TIMERS)) or any(
            key[0] == segment and self._waits(key, row)
            for segment in self._segments
            if segment != TASK_RUNS
            for key, row in rows.scan(segment)
        )

    def _waits(self, key: str, row: Row) -> bool:
        """Tell whether a row waits, for an answer or for a worker. Asked for each row that changes: nothing is made."""
        if type(row) is TaskRun:
            state = row.state
            return state is State.SUBMITTED or (state is State.RUNNING and row.worker_id != "")
        waits = self._outstanding.get(key[0])
        return waits is not None and waits(row) is not None
