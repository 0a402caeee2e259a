"""How events about flow triggers that listen change the rows."""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.state import STARTER, Starter, Switching, Telling, switching_key, telling_key
from engine.machine import Changes, Rows


def listener_found(_rows: Rows, event: e.ListenerFound) -> Changes:
    """Keep what is to be told until it is answered."""
    yield telling_key(event.told_id), Telling(found=event)


def listener_reached(_rows: Rows, event: e.ListenerReached) -> Changes:
    """Nothing is to be told any more."""
    yield telling_key(event.told_id), None


def starter_named(_rows: Rows, event: e.StarterNamed) -> Changes:
    """Remember who is to be told of the end."""
    yield STARTER, Starter(kind=event.kind, id=event.id, trigger_id=event.trigger_id)


def starter_called(_rows: Rows, event: e.StarterCalled) -> Changes:
    """Keep what is to be told until it is answered."""
    yield STARTER, Starter(kind=event.kind, id=event.id, trigger_id=event.trigger_id, called=event)


def starter_heard(_rows: Rows, _event: e.StarterHeard) -> Changes:
    """Nobody is to be told any more."""
    yield STARTER, None


def trigger_switch_asked(_rows: Rows, event: e.TriggerSwitchAsked) -> Changes:
    """Keep what is to be told until it is answered."""
    yield switching_key(event.told_id), Switching(asked=event)


def trigger_switch_reached(_rows: Rows, event: e.TriggerSwitchReached) -> Changes:
    """Nothing is to be told any more."""
    yield switching_key(event.told_id), None
