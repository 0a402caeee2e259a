"""What a timer's time brings to triggers. A timer that was cleared or set again in the meantime brings nothing."""

from __future__ import annotations

from itertools import islice

from engine.machine import Timer
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.trigger.decide.backfills import fill_back
from engine.trigger.decide.schedules import BACKFILL, KEEP, TICK, keep, tick
from engine.trigger.decide.upstream import FORGET, FORGET_AFTER_MS
from engine.trigger.draft import TriggerDraft
from engine.trigger.state import timer_key

FORGET_MAX = 500
"""How many changes are forgotten in one step."""


def fire_timer(draft: TriggerDraft, command: c.FireTimer) -> None:
    """Do what the timer was set for."""
    timer: Timer | None = draft.get(timer_key(command.timer_id))
    if timer is None or timer.due_ms != command.generation:
        return
    draft.clear_timer(command.timer_id)
    purpose, _slash, trigger_id = command.timer_id.partition("/")
    if purpose == FORGET:
        _forget(draft)
    elif purpose == KEEP:
        keep(draft)
    elif purpose == TICK:
        tick(draft, trigger_id)
    elif purpose == BACKFILL:
        fill_back(draft, trigger_id)


def _forget(draft: TriggerDraft) -> None:
    """Forget what can't come again; what is left is for the next time."""
    old = (key[2:] for key, row in draft.scan("n/") if row.at_ms <= draft.at_ms - FORGET_AFTER_MS)
    told_ids = tuple(islice(old, FORGET_MAX))
    if told_ids:
        draft.emit(e.NotesForgotten(told_ids=told_ids))
    if any(True for _ in draft.scan("n/")):
        again_ms = 1_000 if len(told_ids) == FORGET_MAX else FORGET_AFTER_MS // 4
        draft.set_timer(FORGET, draft.at_ms + again_ms)
