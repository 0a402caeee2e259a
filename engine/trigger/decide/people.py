"""What people do to triggers that go by time: turn them off and on, unlock, restart and delete them."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.trigger.decide.schedules import change, remove, schedule_of
from engine.trigger.decide.upstream import answer, remember
from engine.trigger.draft import TriggerDraft
from engine.trigger.state import noted_key


def known(draft: TriggerDraft, trigger_id: str) -> e.TriggerChanged:
    """Return a trigger that goes by time. Raises Rejected if there is none."""
    now = draft.scheduled(trigger_id)
    if now is None:
        raise Rejected(Reason.NOT_FOUND, f"Expected a trigger {trigger_id} of {draft.id}, but there is none")
    return now


def switch_trigger(draft: TriggerDraft, command: c.SwitchTrigger) -> None:
    """Turn a trigger off or on; one that is turned on begins at its next date from now."""
    if command.told_id:
        answer(draft, command.told_id, command.execution_id)
        if draft.get(noted_key(command.told_id)) is not None or draft.scheduled(command.trigger_id) is None:
            return
        draft.emit(e.TellingNoted(told_id=command.told_id, at_ms=draft.at_ms))
        remember(draft)
    now = known(draft, command.trigger_id)
    if now.disabled == command.disabled:
        return
    change(draft, now, "switched", disabled=command.disabled)
    if not command.disabled:
        _begin_anew(draft, command.trigger_id, "switched")


def unlock_trigger(draft: TriggerDraft, command: c.UnlockTrigger) -> None:
    """Wait no longer for the execution that was started last."""
    now = known(draft, command.trigger_id)
    if not now.execution_id:
        raise Rejected(
            Reason.INVALID_STATE, f"Expected trigger {command.trigger_id} to wait for an execution, but it doesn't"
        )
    change(draft, now, "released", execution_id="", released_ms=draft.at_ms)


def restart_trigger(draft: TriggerDraft, command: c.RestartTrigger) -> None:
    """Begin anew from now on."""
    now = known(draft, command.trigger_id)
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
    known(draft, command.trigger_id)
    header = draft.header
    if draft.trigger(command.trigger_id) is not None and header is not None and not header.deleted:
        raise Rejected(
            Reason.INVALID_STATE,
            f"Expected a trigger that its flow doesn't declare any more, but {draft.id} declares {command.trigger_id}",
        )
    remove(draft, command.trigger_id)
