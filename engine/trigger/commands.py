"""What may be asked of the triggers of a flow. Each is one record of `triggers.inbox`, keyed by the flow's uid."""

from __future__ import annotations

from engine.machine import Command, FireTimer

__all__ = ["FireTimer"]


class NoteUpstream(Command, frozen=True, kw_only=True):
    """Take into account what an execution of another flow has come to; the same `told_id` counts once."""

    told_id: str
    execution_id: str
    """Whose change it is; it is answered."""
    namespace: str
    flow_id: str
    revision: int
    """Of the flow that listens."""
    trigger_id: str
    keys: tuple[str, ...]
    """Members of the trigger's join that the execution meets."""
    at_ms: int
    """When it changed."""
    inputs_json: bytes = b"{}"
    """Inputs of the trigger, rendered but for those named in `late`."""
    late: tuple[str, ...] = ()
    """Names of inputs that are still templates, as they read what has come together."""
    labels: dict[str, str] = {}
    trigger_json: bytes = b""
    failure: str = ""


class NoteExecutionStarted(Command, frozen=True, kw_only=True):
    """An execution that a trigger asked for exists."""

    execution_id: str
