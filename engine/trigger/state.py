"""The state of a flow's triggers: rows, each under a key of its own."""

from __future__ import annotations

from engine.machine import Row, Timer
from engine.trigger.events import TriggerChanged, TriggerFired

HEADER = "h"


class Header(Row, frozen=True, kw_only=True):
    """The flow whose triggers they are; key `h`."""

    namespace: str
    flow_id: str
    revision: int
    deleted: bool = False


class Gathered(Row, frozen=True, kw_only=True):
    """What has come together for a flow trigger; key `w/<trigger id>`."""

    begin_ms: int
    end_ms: int
    met: dict[str, int]
    outputs_json: bytes


class Noted(Row, frozen=True, kw_only=True):
    """A change of another execution that was taken into account; key `n/<told id>`."""

    at_ms: int


class Firing(Row, frozen=True, kw_only=True):
    """An execution that was asked for and hasn't answered; key `f/<execution id>`."""

    fired: TriggerFired


class Scheduled(Row, frozen=True, kw_only=True):
    """A trigger that goes by time; key `s/<trigger id>`."""

    now: TriggerChanged


ROW_TYPES: dict[str, type[Row]] = {"h": Header, "w": Gathered, "n": Noted, "f": Firing, "s": Scheduled, "m": Timer}


def gathered_key(trigger_id: str) -> str:
    """Return the key of what has come together for a trigger."""
    return "w/" + trigger_id


def noted_key(told_id: str) -> str:
    """Return the key of a change that was taken into account."""
    return "n/" + told_id


def firing_key(execution_id: str) -> str:
    """Return the key of an execution that was asked for."""
    return "f/" + execution_id


def scheduled_key(trigger_id: str) -> str:
    """Return the key of a trigger that goes by time."""
    return "s/" + trigger_id


def timer_key(timer_id: str) -> str:
    """Return the key of a timer's row."""
    return "m/" + timer_id
