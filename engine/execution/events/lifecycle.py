"""What can happen to an execution as a whole, and to its timers."""

from __future__ import annotations

from engine.execution.carried import CarriedRun
from engine.machine import Event
from engine.values import State


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
    sources: tuple[str, ...] = ()
    """Executions whose files it may read, as `<namespace>/<flow>/<id>`: its inputs and results come from them."""


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


class ExecutionRecalled(Event, frozen=True, kw_only=True):
    """An execution that ended well is gone back to: this is all that is known of it besides its header."""

    rows: dict[str, bytes]
    """Encoded, by key; see `engine/execution/recall.py`."""


class ExecutionRestarted(Event, frozen=True, kw_only=True):
    """A person asked to run what failed once more."""

    at_ms: int
    attempt: int
    revision: int
    around: str = ""
    """Only what is around this task run goes on, as it counts as ended in another state; empty: what failed runs."""


class LabelsUpdated(Event, frozen=True, kw_only=True):
    """The execution's labels are now these."""

    labels: dict[str, str]
    at_ms: int


class ExecutionDeleted(Event, frozen=True, kw_only=True):
    """A person deleted the execution: views forget it, and nothing brings it back."""

    at_ms: int


class VariablesChanged(Event, frozen=True, kw_only=True):
    """The execution's variables are now these, instead of the flow's."""

    variables_json: bytes
    at_ms: int


class ExitRequested(Event, frozen=True, kw_only=True):
    """A task ends the whole execution: nothing new starts, and what is open ends in this state."""

    state: State
    at_ms: int


class ResultsCarried(Event, frozen=True, kw_only=True):
    """Task runs of another execution count here, each as soon as its place is reached (`TaskRunCarried`)."""

    runs: tuple[CarriedRun, ...]


class SlaViolated(Event, frozen=True, kw_only=True):
    """The execution broke a promise of its flow; what follows from that are events of their own."""

    once: str
    """`<attempt of the execution>/<index of the SLA>`: what happens once at most."""
    sla_id: str
    behavior: str
    """FAIL | CANCEL | NONE"""
    reason: str
    at_ms: int


class TimerSet(Event, frozen=True, kw_only=True):
    """Something is to happen at `due_ms`, unless the timer (`<purpose>/<target>`) is cleared or set again."""

    timer_id: str
    due_ms: int


class TimerCleared(Event, frozen=True, kw_only=True):
    """A timer fired or isn't needed any more."""

    timer_id: str
