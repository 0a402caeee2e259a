"""What can happen to the scopes of an execution: flowables, iterations, turns."""

from __future__ import annotations

from engine.machine import Event
from engine.values import State


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
    warned: int = 0
    """Tasks of earlier turns, in another execution, that ended as WARNING."""


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


class ScopeReentered(Event, frozen=True, kw_only=True):
    """A scope that was over goes on with its `tasks`, as something below it has changed."""

    scope_id: str
    child_id: str = ""
    """Its task run (of a loop: its iteration's scope) that had ended and is open again; empty: none is."""
    task_id: str = ""
    was: State = State.SUCCESS
    """How that one had ended."""


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
