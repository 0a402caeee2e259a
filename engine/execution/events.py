"""What can happen to an execution. Each event has one fold in `evolve/`, one schema, one golden file.

A released event never changes its meaning; new behaviour is a new event. What was rendered or chosen is in the event:
replay never renders.
"""

from __future__ import annotations

from engine.execution.log_line import LogLine
from engine.machine import CommandRejected, Event
from engine.values import State

__all__ = ["CommandRejected", "LogLine"]


class ExecutionCreated(Event, frozen=True, kw_only=True):
    """An execution began to exist, in state CREATED."""

    namespace: str
    flow_id: str
    revision: int
    at_ms: int
    inputs_json: bytes = b"{}"
    variables_json: bytes = b"{}"
    labels: dict[str, str] = {}
    trigger_json: bytes = b""
    parent_id: str | None = None
    original_id: str = ""
    kind: str = "NORMAL"
    schedule_ms: int | None = None


class ExecutionStateChanged(Event, frozen=True, kw_only=True):
    """The execution as a whole moved on: RUNNING, PAUSED, KILLING, RESTARTED …; ends are `ExecutionEnded`."""

    state: State
    at_ms: int
    held: bool = False
    """With PAUSED: a person paused it as a whole, nothing new starts. False if only a task run of it is paused."""


class ExecutionEnded(Event, frozen=True, kw_only=True):
    """The final state is known. Tasks of `afterExecution` may still follow."""

    state: State
    at_ms: int
    outputs_json: bytes = b""
    error: str = ""


class ExecutionSettled(Event, frozen=True, kw_only=True):
    """Nothing of the execution is left to do, `afterExecution` included; its working rows may go."""

    at_ms: int


class ExecutionRestarted(Event, frozen=True, kw_only=True):
    """A person asked to run what failed once more."""

    at_ms: int
    attempt: int
    revision: int


class LabelsUpdated(Event, frozen=True, kw_only=True):
    """The execution's labels are now these."""

    labels: dict[str, str]
    at_ms: int


class VariablesChanged(Event, frozen=True, kw_only=True):
    """The execution's variables are now these, instead of the flow's."""

    variables_json: bytes
    at_ms: int


class ExitRequested(Event, frozen=True, kw_only=True):
    """A task ends the whole execution: nothing new starts, and what is open ends in this state."""

    state: State
    at_ms: int


class ScopeOpened(Event, frozen=True, kw_only=True):
    """A flowable (or the flow itself, scope `root`) begins to run its children."""

    scope_id: str
    """Id of the flowable's task run, `root`, or `<loop's scope>#<index>` for one iteration of a loop."""
    task_id: str = ""
    order: str = "sequential"
    """How children follow each other: sequential | parallel | dag | loop (once per value) | until (again and again)."""
    branch: str = "tasks"
    """Which branch of the task runs first: tasks, then, else, `cases.x` …"""
    parent_scope_id: str = ""
    path: tuple[str, ...] = ()
    """Values of the loops around it, outermost first: where outputs of its tasks are kept."""
    limit: int = 0
    """Most children at once, 0 for no limit; of a loop, most iterations, never 0."""
    inner: str = "sequential"
    """For a loop: the order within one iteration. Its `values` are rendered once."""
    values: tuple[str, ...] = ()
    outputs_json: bytes = b""
    """Outputs that the flowable has from its beginning on, such as the branch an If chose."""
    at_ms: int = 0


class ScopePhaseChanged(Event, frozen=True, kw_only=True):
    """A scope goes on with another list of tasks: errors, finally, afterExecution."""

    scope_id: str
    phase: str


class ScopeClosed(Event, frozen=True, kw_only=True):
    """A scope has nothing left to run; `state` is what its children came to."""

    scope_id: str
    state: State


class ScopeReopened(Event, frozen=True, kw_only=True):
    """A restart goes through this scope: it runs again from its `tasks`, counting `reopened` children as open."""

    scope_id: str
    reopened: int
    task_ids: tuple[str, ...] = ()


class IterationStarted(Event, frozen=True, kw_only=True):
    """A loop (`scope_id`) begins the iteration `index`, a scope of its own."""

    scope_id: str
    index: int
    value: str


class IterationEnded(Event, frozen=True, kw_only=True):
    """An iteration of a loop is over."""

    scope_id: str
    index: int
    state: State


class TurnEnded(Event, frozen=True, kw_only=True):
    """The tasks of a LoopUntil have run once more, its turn number `turn` from 1; its condition was looked at."""

    scope_id: str
    turn: int
    at_ms: int
    done: bool
    error: str = ""
    """Why the loop fails though none of its tasks did. There is no further turn then, as if it is `done`."""


class TurnStarted(Event, frozen=True, kw_only=True):
    """The tasks of a LoopUntil run once more, from the first; its outputs are now these."""

    scope_id: str
    turn: int
    at_ms: int
    outputs_json: bytes = b""


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
    their texts: `runIf`, `properties`, or `turn` for the condition of a LoopUntil."""


class TaskRunStarted(Event, frozen=True, kw_only=True):
    """An attempt runs: a worker's claim was counted, so nobody else runs it; or, if it names none, the engine does."""

    task_run_id: str
    epoch: int
    worker_id: str
    at_ms: int


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


class TaskRunRemoved(Event, frozen=True, kw_only=True):
    """A restart forgets this run of a task that handled the former end, with all that it had below it."""

    task_run_id: str


class TimerSet(Event, frozen=True, kw_only=True):
    """Something is to happen at `due_ms`, unless the timer (`<purpose>/<target>`) is cleared or set again."""

    timer_id: str
    due_ms: int


class TimerCleared(Event, frozen=True, kw_only=True):
    """A timer fired or isn't needed any more."""

    timer_id: str
