"""What can happen to a task run."""

from __future__ import annotations

from engine.execution.carried import Moment
from engine.execution.log_line import LogLine
from engine.machine import Event
from engine.values import State


class TaskRunCreated(Event, frozen=True, kw_only=True):
    """A task run began to exist."""

    task_run_id: str
    task_id: str
    scope_id: str
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    state: State = State.CREATED
    """CREATED for a runnable, RUNNING for a flowable or a timer, PAUSED for a Pause."""
    at_ms: int = 0


class TaskDispatched(Event, frozen=True, kw_only=True):
    """An attempt waits for a worker."""

    task_run_id: str
    epoch: int
    """Number of the attempt, from 1; a worker's claim and report must name it."""
    queue: str
    at_ms: int
    asks: str = ""
    """Empty: the worker runs the task. Else it only renders templates that need the world, and the engine goes on with
    their texts: `runIf`, `properties`, or `turn` for the condition of a LoopUntil. With `prepare` and `collect` it lays
    files into the folder that a WorkingDirectory's tasks share, or keeps some of it."""


class TaskRunStarted(Event, frozen=True, kw_only=True):
    """An attempt runs: a worker's claim was counted, so nobody else runs it; or, if it names none, the engine does."""

    task_run_id: str
    epoch: int
    worker_id: str
    at_ms: int
    log_file: str = ""
    """Where the worker keeps the attempt's lines, if the task wants them in a file; it is there at the end."""


class TaskRunResubmitted(Event, frozen=True, kw_only=True):
    """The worker of an attempt is gone, or never started it and handed it back; the next `TaskDispatched` follows."""

    task_run_id: str
    epoch: int
    at_ms: int
    started: bool = True
    logs: tuple[LogLine, ...] = ()


class TaskRunRetryScheduled(Event, frozen=True, kw_only=True):
    """An attempt failed; the next one is dispatched when the timer `retry/<task run>` fires."""

    task_run_id: str
    epoch: int
    at_ms: int
    due_ms: int
    error: str = ""
    logs: tuple[LogLine, ...] = ()


class TaskRunPaused(Event, frozen=True, kw_only=True):
    """A task run waits for somebody or for a timer."""

    task_run_id: str
    at_ms: int


class TaskRunResumed(Event, frozen=True, kw_only=True):
    """A paused task run goes on with its children."""

    task_run_id: str
    at_ms: int
    outputs_json: bytes = b""


class TaskRunKillRequested(Event, frozen=True, kw_only=True):
    """A running attempt must be stopped by its worker."""

    task_run_id: str
    epoch: int
    worker_id: str
    at_ms: int


class TaskRunEnded(Event, frozen=True, kw_only=True):
    """A task run is over."""

    task_run_id: str
    state: State
    at_ms: int
    outputs_json: bytes = b""
    error: str = ""
    logs: tuple[LogLine, ...] = ()


class TaskRunDecided(Event, frozen=True, kw_only=True):
    """A pure task was decided by the engine in one go: created, run and ended, without a worker."""

    task_run_id: str
    task_id: str
    scope_id: str
    state: State
    at_ms: int
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    outputs_json: bytes = b""
    error: str = ""
    logs: tuple[LogLine, ...] = ()


class TaskRunReopened(Event, frozen=True, kw_only=True):
    """A restart runs this ended task run again, as its next attempt."""

    task_run_id: str
    state: State
    """RESTARTED for one that is decided or dispatched anew, RUNNING for a flowable whose children go on."""
    at_ms: int


class TaskRunRestated(Event, frozen=True, kw_only=True):
    """A person says that a task run ended in another state than it did; its scope counts it as that."""

    task_run_id: str
    state: State
    at_ms: int


class TaskRunRemoved(Event, frozen=True, kw_only=True):
    """A restart forgets this run of a task that handled the former end, with all that it had below it."""

    task_run_id: str


class TaskRunCarried(Event, frozen=True, kw_only=True):
    """A task run begins with what it came to in another execution; most are over with it."""

    task_run_id: str
    task_id: str
    scope_id: str
    """Of one that comes with another: that one's id, or empty if only its outputs count any more."""
    state: State
    """An end; or RESTARTED if it runs once more, RUNNING if its children go on."""
    at_ms: int
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    path: tuple[str, ...] = ()
    """Values of the loops around it, outermost first."""
    attempts: int = 0
    history: tuple[Moment, ...] = ()
    outputs_json: bytes = b""
    error: str = ""
    top: str = ""
    """Id of the task run that it comes with, somewhere below it; empty: its own place was reached."""
