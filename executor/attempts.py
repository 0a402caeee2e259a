"""Attempts that wait for an answer: dispatched and not claimed, running at a worker, told to stop.

Owns who must be asked again, and when: effects are level-triggered, so each outstanding request is a row until it is
answered, and this is their table. It sends nothing; `executor/partition.py` asks it what to repeat.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.execution.effects import RingDoorbell, SendCancel
from engine.execution.state import TaskRun
from engine.machine import Row
from engine.values import State
from executor.state.rows import PartitionRows

FAMILY = b"u"
DOORBELL_AGAIN_MS = 30_000
"""First repetition of a doorbell that nobody answered; doubles each time, as a queue may simply be long."""
DOORBELL_AGAIN_MAX_MS = 600_000
CANCEL_AGAIN_MS = 5_000


def is_open(row: Row | None) -> bool:
    """True for a task run of which an attempt waits for a worker or is at one."""
    return isinstance(row, TaskRun) and (
        row.state is State.SUBMITTED or (row.state is State.RUNNING and row.worker_id != "")
    )


def attempt_index(aggregate_id: str, key: str, row: Row) -> tuple[bytes, ...]:
    """Return the index key of an open attempt."""
    return (FAMILY + aggregate_id.encode() + b"\0" + key.encode(),) if is_open(row) else ()


class Attempt(msgspec.Struct):
    """One open attempt."""

    execution_id: str
    run: TaskRun
    again_ms: int
    """When to repeat what is outstanding."""
    repeats: int = 0


class Attempts:
    """The open attempts of one partition."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Attempt] = {}

    def __len__(self) -> int:
        return len(self._open)

    def reload(self, rows: PartitionRows, now_ms: int) -> None:
        """Read the open attempts after a fold; all of them are due at once."""
        self._open.clear()
        for index_key in rows.index(FAMILY, FAMILY + b"\xff"):
            execution_id, _nul, key = index_key[1:].decode().partition("\0")
            run = rows.of(execution_id).get(key)
            if is_open(run):
                self._open[(execution_id, run.id)] = Attempt(execution_id, run, now_ms)

    def note(self, execution_id: str, task_run_id: str, row: Row | None, now_ms: int) -> None:
        """A task run's row was written."""
        if isinstance(row, TaskRun) and is_open(row):
            wait_ms = CANCEL_AGAIN_MS if row.killing else DOORBELL_AGAIN_MS
            self._open[(execution_id, task_run_id)] = Attempt(execution_id, row, now_ms + wait_ms)
        else:
            self.drop(execution_id, task_run_id)

    def drop(self, execution_id: str, task_run_id: str) -> None:
        """Forget an attempt: it was answered, or its execution is over, however that came about."""
        self._open.pop((execution_id, task_run_id), None)

    def held(self) -> Iterator[tuple[str, TaskRun]]:
        """Yield (execution id, task run) of attempts that are at a worker."""
        for attempt in list(self._open.values()):
            if attempt.run.state is State.RUNNING:
                yield attempt.execution_id, attempt.run

    def outstanding(self, now_ms: int) -> Iterator[tuple[str, RingDoorbell | SendCancel]]:
        """Yield (execution id, effect) of what must be said again now."""
        for attempt in list(self._open.values()):
            if attempt.again_ms > now_ms:
                continue
            run = attempt.run
            attempt.repeats += 1
            if run.state is State.SUBMITTED:
                attempt.again_ms = now_ms + min(DOORBELL_AGAIN_MS << min(attempt.repeats, 8), DOORBELL_AGAIN_MAX_MS)
                yield attempt.execution_id, RingDoorbell(task_run_id=run.id, epoch=run.epoch, queue=run.queue)
            elif run.killing:
                attempt.again_ms = now_ms + CANCEL_AGAIN_MS
                yield (
                    attempt.execution_id,
                    SendCancel(task_run_id=run.id, epoch=run.epoch, worker_id=run.worker_id),
                )
            else:
                attempt.again_ms = now_ms + DOORBELL_AGAIN_MAX_MS
