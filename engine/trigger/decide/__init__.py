"""The rules of triggers: what comes together, what dates bring, what people do, what timers are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.machine import Command
from engine.trigger import commands as c
from engine.trigger.decide import backfills, people, schedules, timers, upstream

DECIDERS: Mapping[type[Command], Callable[[Any, Any], None]] = {
    c.NoteUpstream: upstream.note_upstream,
    c.NoteExecutionStarted: upstream.note_execution_started,
    c.FollowFlow: schedules.follow_flow,
    c.NoteExecutionEnded: schedules.note_execution_ended,
    c.SwitchTrigger: people.switch_trigger,
    c.UnlockTrigger: people.unlock_trigger,
    c.RestartTrigger: people.restart_trigger,
    c.DeleteTrigger: people.delete_trigger,
    c.CreateBackfill: backfills.create_backfill,
    c.PauseBackfill: backfills.pause_backfill,
    c.DeleteBackfill: backfills.delete_backfill,
    c.FireTimer: timers.fire_timer,
}
