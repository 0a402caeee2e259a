"""The only door to the Slots aggregate."""

from __future__ import annotations

from engine import machine
from engine.machine import SEQUENCE, Aggregate, Command, Draft, Rows, Sequence, Step
from engine.slots.decide import DECIDERS
from engine.slots.evolve import EVOLVERS
from engine.slots.react import OUTSTANDING, REACTORS
from engine.slots.state import ROW_TYPES

SLOTS = Aggregate(
    kind="slots",
    deciders=DECIDERS,
    evolvers=EVOLVERS,
    reactors=REACTORS,
    row_types={**ROW_TYPES, SEQUENCE: Sequence},
    draft=Draft,
    outstanding=OUTSTANDING,
)


def step(scope: str, rows: Rows, command: Command, at_ms: int) -> Step:
    """Decide a command about the slots of one flow. Pure: calling it twice gives equal results."""
    return machine.step(SLOTS, scope, rows, command, at_ms, None)
