"""What triggers are to hear of an execution: those of other flows, and the one that started it."""

from __future__ import annotations

from engine.machine import Event
from engine.values import State


class ListenerFound(Event, frozen=True, kw_only=True):
    """A change of state matters to a flow trigger of another flow, which is told until it answers."""

    told_id: str
    """Of what is told; also that of the execution which it starts, unless something must come together first."""
    execution_id: str
    """This execution, whom the answer goes to."""
    namespace: str
    flow_id: str
    revision: int
    """Of the flow that listens."""
    trigger_id: str
    at_ms: int
    keys: tuple[str, ...] = ()
    """Which of the things that must come together for the trigger this execution is; none: it fires at once."""
    inputs_json: bytes = b"{}"
    """Inputs of the trigger, rendered but for those named in `late`."""
    late: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    trigger_json: bytes = b""
    failure: str = ""
    """Why the inputs can't be rendered."""


class ListenerReached(Event, frozen=True, kw_only=True):
    """The flow trigger has taken it into account."""

    told_id: str


class StarterNamed(Event, frozen=True, kw_only=True):
    """The trigger that started this execution waits for its end."""

    kind: str
    id: str
    """Of the aggregate that the trigger belongs to."""
    trigger_id: str


class StarterCalled(Event, frozen=True, kw_only=True):
    """The execution has ended, and the trigger that started it is told until it answers."""

    kind: str
    id: str
    trigger_id: str
    execution_id: str
    """This execution."""
    state: State


class StarterHeard(Event, frozen=True, kw_only=True):
    """The trigger that started this execution knows of its end."""


class TriggerSwitchAsked(Event, frozen=True, kw_only=True):
    """A task turns a trigger off or on, which is told until it answers."""

    told_id: str
    execution_id: str
    """This execution, whom the answer goes to."""
    namespace: str
    flow_id: str
    trigger_id: str
    disabled: bool


class TriggerSwitchReached(Event, frozen=True, kw_only=True):
    """The trigger was turned off or on, or there is none."""

    told_id: str
