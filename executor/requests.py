"""Requests that wait for an answer: what rows say is outstanding, and the attempts that are at workers.

Owns when something is said again: effects are level-triggered, so each outstanding request is a row until it is
answered, and this is their table. What a row waits for is the engine's; it sends nothing, `executor/partition.py` asks
it what to repeat.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.execution.state import TaskRun
from engine.machine import Aggregate, Effect, Outstanding, Row, Rows
from engine.values import State
from executor.state.rows import PartitionRows

FAMILY = b"u"
TASK_RUNS = "t"


class Request(msgspec.Struct):
    """One row that waits."""

    row: Row
    outstanding: Outstanding | None
    """None: an attempt at a worker, of which nothing is to be said as long as the worker lives."""
    again_ms: int = 0
    repeats: int = 0


class Requests:
    """The rows of one partition that wait for something.

    Args:
        aggregate: Says what its rows wait for.
    """

    def __init__(self, aggregate: Aggregate) -> None:
        self._outstanding = aggregate.outstanding
        self._open: dict[tuple[str, str], Request] = {}

    def __len__(self) -> int:
        return len(self._open)

    def index(self, aggregate_id: str, key: str, row: Row) -> tuple[bytes, ...]:
        """Return the index key of a row that waits."""
        if self._request(key, row) is None:
            return ()
        return (FAMILY + aggregate_id.encode() + b"\0" + key.encode(),)

    def reload(self, rows: PartitionRows, now_ms: int) -> None:
        """Read what waits after a fold; all of it is due at once."""
        self._open.clear()
        for index_key in rows.index(FAMILY, FAMILY + b"\xff"):
            aggregate_id, _nul, key = index_key[1:].decode().partition("\0")
            row = rows.of(aggregate_id).get(key)
            request = self._request(key, row) if row is not None else None
            if request is not None:
                request.again_ms = now_ms
                self._open[(aggregate_id, key)] = request

    def note(self, aggregate_id: str, key: str, row: Row | None, now_ms: int) -> None:
        """A row was written."""
        if key.partition("/")[0] not in self._outstanding:
            return
        request = self._request(key, row) if row is not None else None
        if request is None:
            self.drop(aggregate_id, key)
            return
        if request.outstanding is not None:
            request.again_ms = now_ms + request.outstanding.first_ms
        self._open[(aggregate_id, key)] = request

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
            waits = request.outstanding
            if waits is None or request.again_ms > now_ms:
                continue
            request.repeats += 1
            request.again_ms = now_ms + min(waits.first_ms << min(request.repeats, 16), waits.most_ms)
            yield aggregate_id, key, request.row, waits.effect

    def any_of(self, rows: Rows) -> bool:
        """Tell whether an aggregate that is over waits for something all the same; its attempts don't count then."""
        return any(
            key.partition("/")[0] == segment and self._request(key, row) is not None
            for segment in self._outstanding
            if segment != TASK_RUNS
            for key, row in rows.scan(segment)
        )

    def _request(self, key: str, row: Row) -> Request | None:
        waits = self._outstanding.get(key.partition("/")[0])
        outstanding = waits(row) if waits is not None else None
        at_worker = isinstance(row, TaskRun) and row.state is State.RUNNING and row.worker_id != ""
        return Request(row, outstanding) if outstanding is not None or at_worker else None
