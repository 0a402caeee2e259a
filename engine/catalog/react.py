"""What the catalogue asks of the world: that triggers and slots go by the revision that counts.

All others fold its events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.catalog import events as e
from engine.catalog.state import Told, ToldSlots
from engine.machine import Effect, Event, Outstanding, Reactor, SendCommand
from engine.slots.commands import FollowLimit
from engine.trigger.commands import FollowFlow

AGAIN_MS = 5_000
AGAIN_MAX_MS = 600_000


def tell(changed: e.TriggersChanged) -> SendCommand:
    """Return the effect that tells a flow's triggers; repeated it changes nothing, and is answered all the same."""
    follow = FollowFlow(
        namespace=changed.namespace, flow_id=changed.flow_id, revision=changed.revision, deleted=changed.deleted
    )
    return SendCommand(kind="triggers", id=f"{changed.namespace}/{changed.flow_id}", command=follow)


def triggers_changed(event: e.TriggersChanged) -> tuple[Effect, ...]:
    """Tell them."""
    return (tell(event),)


def tell_slots(changed: e.LimitChanged) -> SendCommand:
    """Return the effect that tells a flow's slots; it is answered however often it comes."""
    follow = FollowLimit(revision=changed.revision, limit=changed.limit)
    return SendCommand(kind="slots", id=f"{changed.namespace}/{changed.flow_id}", command=follow)


def limit_changed(event: e.LimitChanged) -> tuple[Effect, ...]:
    """Tell them."""
    return (tell_slots(event),)


def told_slots(row: ToldSlots) -> Outstanding | None:
    """Slots that haven't answered."""
    return Outstanding(tell_slots(row.changed), AGAIN_MS, AGAIN_MAX_MS)


def told(row: Told) -> Outstanding | None:
    """Triggers that haven't answered."""
    return None if row.answered else Outstanding(tell(row.changed), AGAIN_MS, AGAIN_MAX_MS)


REACTORS: dict[type[Event], Reactor] = {
    e.LimitChanged: limit_changed,
    e.TriggersChanged: triggers_changed,
}
OUTSTANDING: Mapping[str, Callable[[Any], Outstanding | None]] = {"c": told_slots, "t": told}
"""What rows wait for; `executor/requests.py` keeps the time."""
