"""Tasks that are pure computations: the engine decides them without a worker. One module per task.

Owns what each of them comes to: outputs, log lines, a state, or a wait. A new one is one module here, with a `TASK`,
and its test. A template that needs the world (`kv()`, `secret()` …) sends such a task to a worker instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine.flow.model import Task
from engine.modules import by_type
from engine.values import State

Render = Callable[[Any], Any]


class Line(msgspec.Struct, frozen=True):
    """A log line that the task writes."""

    level: str
    message: str


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger that is to be off or on."""

    namespace: str
    flow_id: str
    trigger_id: str
    disabled: bool


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What the task changes of its execution, or of a trigger."""

    labels: dict[str, str] = {}
    """Put over the execution's labels."""
    variables: dict[str, Any] = {}
    """Merged into its variables, maps within maps key by key."""
    overwrite: bool = True
    """False: a variable that is there already is an error."""
    unset: tuple[str, ...] = ()
    """Variables that are taken away."""
    ignore_missing: bool = False
    """True: one that isn't there needn't be taken away; False: it is an error."""
    switch: Switch | None = None
    exit: State | None = None
    """End the whole execution in this state."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the task came to."""

    state: State = State.SUCCESS
    outputs: dict[str, Any] | None = None
    lines: tuple[Line, ...] = ()
    update: Update | None = None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """The task goes on later: after a time, or when somebody resumes it."""

    paused: bool = False
    """True: the task run and its execution show PAUSED, and a person may resume it."""
    duration_ms: int | None = None
    """When it goes on by itself; None: never."""
    timeout_ms: int | None = None
    """When waiting fails."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The task goes on with another execution."""

    namespace: str
    flow_id: str
    revision: int = 0
    """0: the latest."""
    inputs: dict[str, Any] = {}
    """Untyped: the execution that is called gives them their types."""
    labels: dict[str, str] = {}
    inherits_labels: bool = False
    waits: bool = True
    """Until the other one has ended; False: until it exists."""
    restarts: bool = True
    """A restart of the task restarts the execution that failed; False: it calls a new one."""
    schedule_ms: int | None = None
    outputs: dict[str, Any] | None = None
    """Templates that the other one renders at its end, in place of its own outputs."""


class CallEach(msgspec.Struct, frozen=True, kw_only=True):
    """The task goes on with another execution for each of several batches."""

    call: Call
    """For each of them; its inputs are templates still, which may read `taskrun.items` and `taskrun.iteration`."""
    split: str
    """Id of the task that made the batches, which says how many there are and where they lie."""


class PureTask(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of pure task."""

    types: tuple[str, ...]
    """Canonical type names."""
    decide: Callable[[Task, Render], Outcome | Wait | Call | CallEach]
    asks: bool = False
    """If a template needs the world: True, a worker renders it and the engine decides, as only the engine can wait or
    change the execution; False, a worker runs the whole task."""
    waits: bool = False
    """True if `decide` may return a `Wait`."""
    calls: bool = False
    """True if `decide` may return a `Call` or `CallEach`."""
    waited: Callable[[Task], State] = lambda _task: State.SUCCESS
    """The state of a wait that came to its time by itself."""


_TASKS: dict[str, PureTask] = {}


def pure_task_of(task_type: str) -> PureTask | None:
    """Return the pure task of a canonical type name, None if a worker must run the type."""
    if not _TASKS:
        _TASKS.update(by_type(__name__, __path__, "TASK"))
    return _TASKS.get(task_type)
