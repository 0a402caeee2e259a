"""Filling back: a schedule runs for the dates of a time that has passed, one after the other, instead of its own."""

from __future__ import annotations

from msgspec.structs import replace

from engine.errors import Reason, Rejected
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.trigger.decide.people import known
from engine.trigger.decide.schedules import Schedule, change, fire, schedule_of
from engine.trigger.draft import TriggerDraft
from engine.trigger.schedules import SCHEDULE
from engine.values import derive_id


def fill_back(draft: TriggerDraft, trigger_id: str) -> None:
    """A date of a backfill has its turn."""
    now, schedule = draft.scheduled(trigger_id), schedule_of(draft, trigger_id)
    past = now.backfill if now is not None else None
    if now is None or schedule is None or past is None or past.paused or (schedule.waits and now.execution_id):
        return
    date = past.current_ms
    if not schedule.holds(date):
        _go_on_back(draft, schedule, now, past)
        return
    execution_id = derive_id("backfill", draft.id, trigger_id, past.created_ms, date)
    fire(draft, schedule, date, execution_id, past)
    _go_on_back(draft, schedule, replace(now, execution_id=execution_id if schedule.waits else ""), past)


def _go_on_back(draft: TriggerDraft, schedule: Schedule, now: e.TriggerChanged, past: e.Backfill) -> None:
    """Let the backfill go on with its next date, or end."""
    following = schedule.following(past.current_ms)
    if following is not None and following <= past.end_ms:
        change(draft, now, "backfill", backfill=replace(past, current_ms=following))
    else:
        change(draft, now, "backfill", backfill=None, released_ms=draft.at_ms)


def create_backfill(draft: TriggerDraft, command: c.CreateBackfill) -> None:
    """Begin to run a schedule for the dates from a time to another."""
    now = known(draft, command.trigger_id)
    trigger = draft.trigger(command.trigger_id)
    schedule = schedule_of(draft, command.trigger_id)
    if trigger is None or trigger.type != SCHEDULE:
        raise Rejected(Reason.INVALID_ARGUMENT, f"Expected a Schedule, but trigger {command.trigger_id} is none")
    if schedule is None:
        raise Rejected(
            Reason.INVALID_STATE, f"Expected a trigger that is on, but {command.trigger_id} or its flow is disabled"
        )
    if now.backfill is not None:
        raise Rejected(
            Reason.INVALID_STATE,
            f"Expected a trigger without a backfill, but {command.trigger_id} has one: wait for it, or delete it",
        )
    end_ms = min(command.end_ms or draft.at_ms, draft.at_ms)
    if command.start_ms >= end_ms:
        raise Rejected(
            Reason.INVALID_ARGUMENT, "Expected a backfill that starts in the past and before it ends, but it doesn't"
        )
    first = schedule.following(command.start_ms - 1)
    if first is None or first > end_ms:
        raise Rejected(Reason.INVALID_ARGUMENT, "Expected a date of the schedule within the backfill, but it has none")
    backfill = e.Backfill(
        start_ms=command.start_ms,
        end_ms=end_ms,
        current_ms=first,
        created_ms=draft.at_ms,
        paused=command.paused,
        inputs_json=command.inputs_json,
        labels=command.labels,
    )
    change(draft, now, "backfill", backfill=backfill)


def pause_backfill(draft: TriggerDraft, command: c.PauseBackfill) -> None:
    """Let a backfill rest or go on; the same again changes nothing."""
    now, backfill = _backfill(draft, command.trigger_id)
    if backfill.paused != command.paused:
        change(draft, now, "backfill", backfill=replace(backfill, paused=command.paused))


def delete_backfill(draft: TriggerDraft, command: c.DeleteBackfill) -> None:
    """End a backfill; the schedule goes on as it does."""
    now, _ = _backfill(draft, command.trigger_id)
    change(draft, now, "backfill", backfill=None, released_ms=draft.at_ms)


def _backfill(draft: TriggerDraft, trigger_id: str) -> tuple[e.TriggerChanged, e.Backfill]:
    now = known(draft, trigger_id)
    if now.backfill is None:
        raise Rejected(Reason.INVALID_STATE, f"Expected trigger {trigger_id} to have a backfill, but it has none")
    return now, now.backfill
