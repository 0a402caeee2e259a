"""What can happen to an execution. Each event has one fold in `evolve/`, one schema, one golden file.

A released event never changes its meaning; new behaviour is a new event. What was rendered or chosen is in the event:
replay never renders.
"""

from __future__ import annotations

from engine.execution.task_run_events import (
    LogLine,
    TaskDispatched,
    TaskRunCreated,
    TaskRunDecided,
    TaskRunEnded,
    TaskRunKillRequested,
    TaskRunPaused,
    TaskRunRemoved,
    TaskRunReopened,
    TaskRunResubmitted,
    TaskRunResumed,
    TaskRunRetryScheduled,
    TaskRunStarted,
)
from engine.machine import CommandRejected, Event
from engine.values import State

__all__ = [
    "CommandRejected",
    "ExecutionCreated",
    "ExecutionEnded",
    "ExecutionRestarted",
    "ExecutionSettled",
    "ExecutionStateChanged",
    "ExitRequested",
    "IterationEnded",
    "IterationStarted",
    "LabelsUpdated",
    "LogLine",
    "ScopeClosed",
    "ScopeOpened",
    "ScopePhaseChanged",
    "ScopeReopened",
    "TaskDispatched",
    "TaskRunCreated",
    "TaskRunDecided",
    "TaskRunEnded",
    "TaskRunKillRequested",
    "TaskRunPaused",
    "TaskRunRemoved",
    "TaskRunReopened",
    "TaskRunResubmitted",
    "TaskRunResumed",
    "TaskRunRetryScheduled",
    "TaskRunStarted",
    "TimerCleared",
    "TimerSet",
    "TurnEnded",
    "TurnStarted",
    "VariablesChanged",
]


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
    """The flowable; empty for the root."""
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
    """For a loop: the order within one iteration."""
    values: tuple[str, ...] = ()
    """For a loop: the values, rendered once."""
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
    """How many ended children (or iterations) are run again."""
    task_ids: tuple[str, ...] = ()
    """Their tasks."""


class IterationStarted(Event, frozen=True, kw_only=True):
    """A loop begins the iteration `index`, a sequential scope of its own."""

    scope_id: str
    """The loop's scope."""
    index: int
    value: str


class IterationEnded(Event, frozen=True, kw_only=True):
    """An iteration of a loop is over."""

    scope_id: str
    index: int
    state: State


class TurnEnded(Event, frozen=True, kw_only=True):
    """The tasks of a LoopUntil have run once more; its condition was looked at."""

    scope_id: str
    turn: int
    """From 1."""
    at_ms: int
    done: bool
    """True: no further turn."""
    error: str = ""
    """Why the loop fails though none of its tasks did; only if it is done."""


class TurnStarted(Event, frozen=True, kw_only=True):
    """The tasks of a LoopUntil run once more, from the first."""

    scope_id: str
    turn: int
    at_ms: int
    outputs_json: bytes = b""
    """Outputs of the loop from here on."""


class TimerSet(Event, frozen=True, kw_only=True):
    """Something is to happen at `due_ms`, unless the timer is cancelled or set again."""

    timer_id: str
    """`<purpose>/<target>`, unique within the execution."""
    due_ms: int


class TimerCleared(Event, frozen=True, kw_only=True):
    """A timer fired or isn't needed any more."""

    timer_id: str
