"""What the worker's loop asks of its surroundings: a clock, a runner, and its numbers.

Owns the Protocols and the values that cross them. It owns no thread: `worker/threads.py` brings them, a simulation
brings a virtual clock and a runner that only pretends.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from engine.execution.job import Job
from engine.values import State
from topics.catalog import DEFAULT_QUEUE

AttemptKey = tuple[str, str, int]
"""Execution id, task run id, attempt epoch."""


AHEAD_S = 0.1
"""About how long a claim takes on a log that is far away and busy."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the worker protocol."""

    worker_id: str
    """Unique for every start of a worker: a grant that was meant for a former process must never look like ours."""
    queue: str = DEFAULT_QUEUE
    slots: int = 16
    """How many attempts run at most at the same time; where they are short, more are claimed ahead."""
    version: str = ""
    heartbeat_s: float = 3.0
    lease_s: float = 15.0
    """How long executors keep a silent worker's attempts; after that they give them to others."""
    claim_repeat_s: float = 5.0
    """When an unanswered claim is sent again: an executor that takes over needs a few seconds."""
    claim_bound_s: float = 25.0
    """When an unanswered claim is handed back. It must stay well below what the engine waits for a worker that was told
    to stop, or whose task's timeout is over (60 s each): a grant that came later than that would begin what is over."""
    ahead_s: float = AHEAD_S
    """As many attempts as ended in so many seconds are claimed beyond the slots, so that the next one is there when a
    slot frees. Where attempts take long, none are."""
    slot_bound_s: float = 1.0
    """How long an attempt that was claimed ahead waits for its slot before it is handed back."""
    report_repeat_s: float = 5.0
    """When a report whose acknowledgement is missing is sent again; executors ignore the second."""
    leave_bound_s: float = 5.0
    """How long a stopping worker waits for its last acknowledgements."""


class Clock(Protocol):
    """Both clocks. The monotonic one should go on while the machine sleeps: others see the lease run out meanwhile."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def wall_ms(self) -> int:
        """Return Unix time in milliseconds."""
        ...


class Ended(msgspec.Struct, frozen=True):
    """How an attempt ended."""

    key: AttemptKey
    state: State
    """SUCCESS, WARNING, FAILED or KILLED."""
    outputs_json: bytes = b""
    error: str = ""


class Runner(Protocol):
    """Runs attempts somewhere else: `start` and `kill` return at once."""

    def start(self, key: AttemptKey, job: Job) -> None:
        """Begin an attempt; its end comes from `ended`, whatever happens to it."""
        ...

    def kill(self, key: AttemptKey, *, at_once: bool) -> None:
        """End an attempt early; its end comes from `ended` all the same. Unknown keys and repeated calls do nothing.

        Args:
            key: Which attempt.
            at_once: No grace: the attempt isn't ours any more and may begin elsewhere any moment.
        """
        ...

    def discard(self, folder: str) -> None:
        """Remove a folder that attempts have shared, at some time; no answer is expected."""
        ...

    def ended(self) -> list[Ended]:
        """Return the attempts that ended since the last call."""
        ...
