"""How events of triggers change their rows. Frozen once released: other behaviour is a new event."""

from __future__ import annotations

from engine.machine import Changes, CommandRejected, Event, Evolver, Rows, Timer, rejected_changes_nothing
from engine.trigger import events as e
from engine.trigger.state import (
    HEADER,
    Firing,
    Gathered,
    Header,
    Noted,
    Scheduled,
    firing_key,
    gathered_key,
    noted_key,
    scheduled_key,
    timer_key,
)


def triggers_followed(_rows: Rows, event: e.TriggersFollowed) -> Changes:
    """The revision counts."""
    yield (
        HEADER,
        Header(namespace=event.namespace, flow_id=event.flow_id, revision=event.revision, deleted=event.deleted),
    )


def upstream_noted(_rows: Rows, event: e.UpstreamNoted) -> Changes:
    """Keep what has come together, and that this was taken into account."""
    yield (
        gathered_key(event.trigger_id),
        Gathered(begin_ms=event.begin_ms, end_ms=event.end_ms, met=event.met, outputs_json=event.outputs_json),
    )
    yield noted_key(event.told_id), Noted(at_ms=event.at_ms)


def telling_noted(_rows: Rows, event: e.TellingNoted) -> Changes:
    """Remember that it was taken into account."""
    yield noted_key(event.told_id), Noted(at_ms=event.at_ms)


def window_reset(_rows: Rows, event: e.WindowReset) -> Changes:
    """Begin anew."""
    yield gathered_key(event.trigger_id), None


def notes_forgotten(_rows: Rows, event: e.NotesForgotten) -> Changes:
    """Forget them."""
    for told_id in event.told_ids:
        yield noted_key(told_id), None


def trigger_fired(_rows: Rows, event: e.TriggerFired) -> Changes:
    """Keep what was asked for until it is answered."""
    yield firing_key(event.execution_id), Firing(fired=event)


def firing_answered(_rows: Rows, event: e.FiringAnswered) -> Changes:
    """Nothing is to be asked for any more."""
    yield firing_key(event.execution_id), None


def trigger_changed(_rows: Rows, event: e.TriggerChanged) -> Changes:
    """Take it over as it is."""
    yield scheduled_key(event.trigger_id), Scheduled(now=event)


def trigger_removed(_rows: Rows, event: e.TriggerRemoved) -> Changes:
    """Forget it."""
    yield scheduled_key(event.trigger_id), None


def alarm_set(_rows: Rows, event: e.AlarmSet) -> Changes:
    """Set the timer, instead of an earlier one of the same id."""
    yield timer_key(event.timer_id), Timer(due_ms=event.due_ms)


def alarm_cleared(_rows: Rows, event: e.AlarmCleared) -> Changes:
    """Take the timer away."""
    yield timer_key(event.timer_id), None


EVOLVERS: dict[type[Event], Evolver] = {
    CommandRejected: rejected_changes_nothing,
    e.TriggersFollowed: triggers_followed,
    e.UpstreamNoted: upstream_noted,
    e.TellingNoted: telling_noted,
    e.WindowReset: window_reset,
    e.NotesForgotten: notes_forgotten,
    e.TriggerFired: trigger_fired,
    e.FiringAnswered: firing_answered,
    e.TriggerChanged: trigger_changed,
    e.TriggerRemoved: trigger_removed,
    e.AlarmSet: alarm_set,
    e.AlarmCleared: alarm_cleared,
}
