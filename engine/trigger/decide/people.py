"""What people do to triggers that go by time: turn them off and on, unlock, restart and delete them, fill back."""

from __future__ import annotations

from msgspec.structs import replace

from engine.errors import Reason, Rejected
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.trigger.decide.schedules import change, remove, schedule_of
from engine.trigger.draft import TriggerDraft
from engine.trigger.schedules import SCHEDULE


def _known(draft: TriggerDraft, trigger_id: str) -> e.TriggerChanged:
    now = draft.scheduled(trigger_id)
    if now is None:
        raise Rejected(Reason.NOT_FOUND, f"Expected a trigger {trigger_id} of {draft.id}, but there is none")
    return now


def switch_trigger(draft: TriggerDraft, command: c.SwitchTrigger) -> None:
    """Turn a trigger off or on; one that is turned on begins at its next date from now."""
    now = _known(draft, command.trigger_id)
    if now.disabled == command.disabled:
        return
    change(draft, now, "switched", disabled=command.disabled)
    if not command.disabled:
        _begin_anew(draft, command.trigger_id, "switched")


def unlock_trigger(draft: TriggerDraft, command: c.UnlockTrigger) -> None:
    """Wait no longer for the execution that was started last."""
    now = _known(draft, command.trigger_id)
    if not now.execution_id:
        raise Rejected(
            Reason.INVALID_STATE, f"Expected trigger {command.trigger_id} to wait for an execution, but it doesn't"
        )
    change(draft, now, "released", execution_id="", released_ms=draft.at_ms)


def restart_trigger(draft: TriggerDraft, command: c.RestartTrigger) -> None:
    """Begin anew from now on."""
    now = _known(draft, command.trigger_id)
    change(draft, now, "released", execution_id="", released_ms=draft.at_ms)
    _begin_anew(draft, command.trigger_id, "started")


def _begin_anew(draft: TriggerDraft, trigger_id: str, why: str) -> None:
    schedule, now = schedule_of(draft, trigger_id), draft.scheduled(trigger_id)
    if schedule is not None and now is not None:
        following = schedule.following(draft.at_ms)
        if following != now.next_ms:
            change(draft, now, why, next_ms=following)


def delete_trigger(draft: TriggerDraft, command: c.DeleteTrigger) -> None:
    """Forget a trigger, unless the flow still declares it."""
    _known(draft, command.trigger_id)
    header = draft.header
    if draft.trigger(command.trigger_id) is not None and header is not None and not header.deleted:
        raise Rejected(
            Reason.INVALID_STATE,
            f"Expected a trigger that its flow doesn't declare any more, but {draft.id} declares {command.trigger_id}",
        )
    remove(draft, command.trigger_id)


def create_backfill(draft: TriggerDraft, command: c.CreateBackfill) -> None:
    """Begin to run a schedule for the dates from a time to another."""
    now = _known(draft, command.trigger_id)
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
    now = _known(draft, trigger_id)
    if now.backfill is None:
        raise Rejected(Reason.INVALID_STATE, f"Expected trigger {trigger_id} to have a backfill, but it has none")
    return now, now.backfill
