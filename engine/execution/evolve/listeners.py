"""How events about flow triggers that listen change the rows."""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.state import Telling, telling_key
from engine.machine import Changes, Rows


def listener_found(_rows: Rows, event: e.ListenerFound) -> Changes:
    """Keep what is to be told until it is answered."""
    yield telling_key(event.told_id), Telling(found=event)


def listener_reached(_rows: Rows, event: e.ListenerReached) -> Changes:
    """Nothing is to be told any more."""
    yield telling_key(event.told_id), None
