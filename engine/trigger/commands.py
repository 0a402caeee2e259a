"""What may be asked of the triggers of a flow. Each is one record of `triggers.inbox`, keyed by the flow's uid."""

from __future__ import annotations

from engine.machine import Command, FireTimer
from engine.values import State

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


class NoteExecutionEnded(Command, frozen=True, kw_only=True):
    """An execution that a trigger started has ended."""

    trigger_id: str
    execution_id: str
    state: State


class FollowFlow(Command, frozen=True, kw_only=True):
    """Go by this revision of the flow; made by the catalogue, which is answered."""

    namespace: str
    flow_id: str
    revision: int
    deleted: bool = False


class SwitchTrigger(Command, frozen=True, kw_only=True):
    """Turn a trigger off, or on again, whatever its flow says."""

    trigger_id: str
    disabled: bool
    told_id: str = ""
    """If an execution asks: the same counts once."""
    execution_id: str = ""
    """Which one, for the answer."""


class UnlockTrigger(Command, frozen=True, kw_only=True):
    """Don't wait for the execution that the trigger started last."""

    trigger_id: str


class RestartTrigger(Command, frozen=True, kw_only=True):
    """Begin anew: the next date is the next one from now, and nothing is waited for."""

    trigger_id: str


class DeleteTrigger(Command, frozen=True, kw_only=True):
    """Forget a trigger that its flow doesn't declare any more."""

    trigger_id: str


class CreateBackfill(Command, frozen=True, kw_only=True):
    """Run a schedule for the dates of a time that has passed."""

    trigger_id: str
    start_ms: int
    end_ms: int
    """0: until now."""
    inputs_json: bytes = b"{}"
    """Over those of the trigger."""
    labels: dict[str, str] = {}
    paused: bool = False


class PauseBackfill(Command, frozen=True, kw_only=True):
    """Let a backfill rest, or go on."""

    trigger_id: str
    paused: bool


class DeleteBackfill(Command, frozen=True, kw_only=True):
    """End a backfill; what it started goes on."""

    trigger_id: str
