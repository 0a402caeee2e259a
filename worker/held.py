"""An attempt that a worker holds, from its claim to the acknowledgement of its report.

Owns the phases. What moves an attempt from one to the next is `worker/loop.py`'s.
"""

from __future__ import annotations

from enum import Enum

from engine.execution.job import Job
from engine.machine import Command
from worker.ports import AttemptKey


class Phase(Enum):
    """How far an attempt has come here."""

    CLAIMED = 1
    GRANTED = 2
    """It waits for a slot: it was claimed ahead."""
    RUNNING = 3
    REPORTED = 4
    """Ended; its slot is free, the report's acknowledgement is still missing."""


_NOT_BEGUN = (Phase.CLAIMED, Phase.GRANTED)


class Held:
    """An attempt that this worker holds."""

    __slots__ = ("gone", "job", "key", "partition", "phase", "repeat_at", "report", "since")

    def __init__(self, key: AttemptKey, partition: int, now: float, repeat_at: float) -> None:
        self.key = key
        self.partition = partition
        self.phase = Phase.CLAIMED
        self.since = now
        self.repeat_at = repeat_at
        self.job: Job | None = None
        """What to run, while it waits for a slot."""
        self.report: Command | None = None
        self.gone = False
        """Its end is no result any more: the lease ran out or the worker stops; the task's policy decides."""

    @property
    def begun(self) -> bool:
        """Whether it may have had effects; until then it goes to somebody else for nothing."""
        return self.phase not in _NOT_BEGUN
