"""What can happen to the triggers of a flow."""

from __future__ import annotations

import msgspec

from engine.machine import CommandRejected, Event

__all__ = ["CommandRejected"]


class TriggersFollowed(Event, frozen=True, kw_only=True):
    """From now on the triggers are those of this revision."""

    namespace: str
    flow_id: str
    revision: int
    at_ms: int
    deleted: bool = False


class UpstreamNoted(Event, frozen=True, kw_only=True):
    """An execution of another flow met some of what a flow trigger waits for."""

    told_id: str
    trigger_id: str
    at_ms: int
    begin_ms: int
    end_ms: int
    """Of the window."""
    met: dict[str, int]
    """What is met within the window by now, and when it was."""
    outputs_json: bytes = b"{}"
    """Outputs of the executions that met it, merged."""


class TellingNoted(Event, frozen=True, kw_only=True):
    """What an execution asked for was taken into account."""

    told_id: str
    at_ms: int


class WindowReset(Event, frozen=True, kw_only=True):
    """What had come together brought an execution about, and doesn't count any more."""

    trigger_id: str


class NotesForgotten(Event, frozen=True, kw_only=True):
    """These changes of other executions are so old that they won't be told again."""

    told_ids: tuple[str, ...]


class TriggerFired(Event, frozen=True, kw_only=True):
    """A trigger starts an execution."""

    trigger_id: str
    execution_id: str
    namespace: str
    flow_id: str
    revision: int
    at_ms: int
    inputs_json: bytes = b"{}"
    labels: dict[str, str] = {}
    trigger_json: bytes = b""
    failure: str = ""
    """Why the execution can only fail."""
    reply_end: bool = False
    """The trigger is to hear of the execution's end."""


class FiringAnswered(Event, frozen=True, kw_only=True):
    """The execution exists."""

    execution_id: str


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule that runs for the dates of a time that has passed."""

    start_ms: int
    end_ms: int
    current_ms: int
    """The date that is next."""
    created_ms: int
    paused: bool = False
    inputs_json: bytes = b"{}"
    labels: dict[str, str] = {}


class TriggerChanged(Event, frozen=True, kw_only=True):
    """A trigger that goes by time is, from now on, like this."""

    trigger_id: str
    at_ms: int
    why: str
    """started | ticked | moved | released | switched | backfill | kept: what happened to it, if anything."""
    definition: str
    """Names what the flow says of it, so that a change is seen."""
    next_ms: int | None
    """Its next date; None: there is none."""
    last_ms: int | None = None
    """The last date that it started an execution for."""
    execution_id: str = ""
    """The execution that it waits for."""
    released_ms: int = 0
    """Until when something was waited for: dates that passed meanwhile weren't missed."""
    disabled: bool = False
    """A person, or `stopAfter`, turned it off."""
    backfill: Backfill | None = None


class TriggerRemoved(Event, frozen=True, kw_only=True):
    """A trigger that goes by time is there no more."""

    trigger_id: str


class AlarmSet(Event, frozen=True, kw_only=True):
    """Something is to happen at `due_ms`, unless the timer is cleared or set again."""

    timer_id: str
    due_ms: int


class AlarmCleared(Event, frozen=True, kw_only=True):
    """A timer fired or isn't needed any more."""

    timer_id: str
