"""The only door to the Trigger aggregate."""

from __future__ import annotations

from engine import machine
from engine.execution.draft import Setting
from engine.machine import SEQUENCE, Aggregate, Command, Rows, Sequence, Step
from engine.trigger.decide import DECIDERS
from engine.trigger.draft import TriggerDraft
from engine.trigger.evolve import EVOLVERS
from engine.trigger.react import OUTSTANDING, REACTORS
from engine.trigger.state import ROW_TYPES

TRIGGERS = Aggregate(
    kind="triggers",
    deciders=DECIDERS,
    evolvers=EVOLVERS,
    reactors=REACTORS,
    row_types={**ROW_TYPES, SEQUENCE: Sequence},
    draft=TriggerDraft,
    outstanding=OUTSTANDING,
)


def step(uid: str, rows: Rows, command: Command, at_ms: int, setting: Setting) -> Step:
    """Decide a command of the triggers of one flow. Pure: calling it twice gives equal results."""
    return machine.step(TRIGGERS, uid, rows, command, at_ms, setting)
