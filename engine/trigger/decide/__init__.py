"""The rules of triggers: one module for what comes together, one for what is answered, one for time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.machine import Command
from engine.trigger import commands as c
from engine.trigger.decide import timers, upstream

DECIDERS: Mapping[type[Command], Callable[[Any, Any], None]] = {
    c.NoteUpstream: upstream.note_upstream,
    c.NoteExecutionStarted: upstream.note_execution_started,
    c.FireTimer: timers.fire_timer,
}
