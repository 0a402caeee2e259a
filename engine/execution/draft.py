"""An execution while a command is decided, and what its deciders read besides rows.

Owns access to rows by name and the agenda of scopes that may have something to do. It holds no rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.errors import Reason, Rejected
from engine.execution import events as e
from engine.execution.carried import weight_of
from engine.execution.plan import Plan, PlannedTask
from engine.execution.state import HEADER, Header, Inputs, Scope, TaskRun, scope_key, task_run_key, timer_key
from engine.flow.model import Flow, Task
from engine.machine import Aggregate, Draft, Event, Rows
from engine.trigger.listeners import Listeners
from engine.values import Dialect, State, to_json

EVENTS_MAX = 300
"""Events after which a step ends and goes on by a timer: about 30 kB, some milliseconds, and about 100 iterations of
a loop, so that one execution can't hold its partition."""
STEP_BYTES_MAX = 1024 * 1024
"""Outputs, values and log lines after which a step ends likewise: a step is one record, and those have a limit."""
OUTPUTS_BYTES_MAX = 2 * 1024 * 1024
"""Most that a task's outputs, or the values of a loop, may take: with a full step before them they fit a record."""


def bounded_json(value: Any, what: str) -> bytes:
    """Return rendered data as an event carries it.

    Raises:
        ValueError: If it is no JSON or too large; the message says what to do instead.
    """
    encoded = to_json(value, f"The {what}")
    if len(encoded) > OUTPUTS_BYTES_MAX:
        raise ValueError(
            f"Expected {what} of at most {OUTPUTS_BYTES_MAX} bytes, but they have {len(encoded)}: "
            f"keep large data in storage and pass its URI"
        )
    return encoded


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What deciders read besides rows."""

    flow: Flow | None
    """The revision that the execution is pinned to; None if the catalogue doesn't have it."""
    revision: int = 0
    """Its number; 0 if there is no flow."""
    variables: Mapping[str, Any] = {}
    """`envs`, `globals`, `kestra` …: the same for every execution of the instance."""
    resubmit_lost: bool = True
    """What becomes of an attempt whose worker is gone: queued again as the next attempt, or failed."""
    kill_grace_ms: int = 60_000
    """How long a worker may take to stop an attempt before it counts as killed anyway."""
    timeout_grace_ms: int = 60_000
    """How long after a task's timeout the engine waits for its worker to say so."""
    dialect: Dialect = Dialect.V1
    """Of all templates."""
    listeners: Listeners | None = None
    """Flow triggers of all flows as of now."""
    plan: Plan | None = None
    """Follows from the flow."""

    def __post_init__(self) -> None:
        """Work the flow out, once for all executions of this revision."""
        flow = self.flow
        msgspec.structs.force_setattr(self, "plan", Plan(flow) if flow is not None else None)


class ExecutionDraft(Draft):
    """The draft that the deciders of executions work on."""

    __slots__ = ("_stored", "agenda", "base_variables", "bytes", "changes", "judged", "setting", "settles")

    def __init__(self, aggregate: Aggregate, id: str, rows: Rows, at_ms: int, context: Setting) -> None:
        super().__init__(aggregate, id, rows, at_ms, context)
        self.setting = context
        self.agenda: list[str] = []
        """Ids of scopes that may have something to do, the most urgent last."""
        self.base_variables: tuple[Header, Inputs, dict[str, Any]] | None = None
        """Variables that all templates read, and the rows that they were made of."""
        self.judged = 0
        """Events after which the assertions of the flow's SLAs were looked at for the last time."""
        self.bytes = 0
        """What outputs, values and log lines of the events take."""
        self.changes: list[tuple[int, State]] = []
        """Each new state of the execution as a whole, with the place of its event in the step."""
        self._stored: Header | None = None
        """The header as it was before this step, once somebody asked."""
        self.settles = False
        """In this step nothing is left to do any more."""

    def emit(self, event: Event) -> None:
        """Record that `event` happened, fold it, and weigh it."""
        super().emit(event)
        kind = type(event)
        if kind in _WEIGHED:
            self.bytes += _weight(event)
        if kind in _CHANGES:
            self.changes.append((len(self.events) - 1, getattr(event, "state", State.RESTARTED)))
        elif kind is e.ExecutionSettled:
            self.settles = True

    @property
    def full(self) -> bool:
        """True if the step is large enough: what is left to do goes on in another one."""
        return len(self.events) >= EVENTS_MAX or self.bytes >= STEP_BYTES_MAX

    @property
    def flow(self) -> Flow:
        """The execution's flow; only for deciders that run after `create` found it."""
        flow = self.setting.flow
        if flow is None:
            raise Rejected(Reason.NOT_FOUND, f"Expected the flow of execution {self.id} in the catalogue, but it isn't")
        return flow

    @property
    def header(self) -> Header:
        """The execution itself. Raises Rejected if there is none."""
        header: Header | None = self.changed.get(HEADER) or self._stored  # type: ignore[assignment]
        if header is None:
            header = self._stored = self.rows.get(HEADER)
        if header is None:
            raise Rejected(Reason.NOT_FOUND, f"Expected an execution {self.id}, but there is none")
        return header

    def scope(self, scope_id: str) -> Scope | None:
        """Return an open or kept scope."""
        scope: Scope | None = self.get(scope_key(scope_id))
        return scope

    def run(self, task_run_id: str) -> TaskRun | None:
        """Return a task run that still has a row."""
        run: TaskRun | None = self.get(task_run_key(task_run_id))
        return run

    @property
    def plan(self) -> Plan:
        """What the flow means to its tasks. Raises Rejected like `flow`."""
        plan = self.setting.plan
        return plan if plan is not None else Plan(self.flow)

    def planned(self, task_id: str) -> PlannedTask:
        """Return what is known of a task whatever the execution."""
        return self.plan.tasks[task_id]

    def task(self, run: TaskRun) -> Task:
        """Return the definition of a task run."""
        return self.plan.tasks[run.task_id].task

    def set_timer(self, timer_id: str, due_ms: int) -> None:
        """Set a timer, instead of one with the same id."""
        self.emit(e.TimerSet(timer_id=timer_id, due_ms=due_ms))

    def clear_timer(self, timer_id: str) -> None:
        """Take a timer away if it is set."""
        if self.get(timer_key(timer_id)) is not None:
            self.emit(e.TimerCleared(timer_id=timer_id))

    @property
    def stopping(self) -> bool:
        """True while the execution is killed, or ended by one of its tasks: nothing begins any more."""
        header = self.header
        return header.state is State.KILLING or (header.exiting is not None and not header.ended_ms)


_WEIGHED: frozenset[type[Event]] = frozenset(
    {
        e.ResultsCarried,
        e.ScopeOpened,
        e.TaskRunCarried,
        e.TaskRunDecided,
        e.TaskRunEnded,
        e.TaskRunResumed,
        e.TaskRunResubmitted,
        e.TaskRunRetryScheduled,
        e.ExecutionEnded,
        e.ListenerFound,
    }
)
"""Events that may be large."""
_CHANGES: frozenset[type[Event]] = frozenset({e.ExecutionStateChanged, e.ExecutionEnded, e.ExecutionRestarted})
"""Events that change the state of the execution as a whole."""


def _weight(event: Any) -> int:
    weight = len(getattr(event, "outputs_json", b""))
    if type(event) is e.ListenerFound:
        weight += len(event.inputs_json) + len(event.trigger_json)
    for line in getattr(event, "logs", ()):
        weight += len(line.message)
    weight += sum(map(weight_of, getattr(event, "runs", ())))
    return weight + sum(map(len, getattr(event, "values", ())))
