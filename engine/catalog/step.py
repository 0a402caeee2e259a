"""The only door to the Flow catalogue aggregate."""

from __future__ import annotations

from engine import machine
from engine.catalog.decide import DECIDERS
from engine.catalog.evolve import EVOLVERS
from engine.catalog.react import OUTSTANDING, REACTORS
from engine.catalog.state import ROW_TYPES
from engine.machine import SEQUENCE, Aggregate, Command, Draft, Rows, Sequence, Step

FLOWS = Aggregate(
    kind="flows",
    deciders=DECIDERS,
    evolvers=EVOLVERS,
    reactors=REACTORS,
    row_types={**ROW_TYPES, SEQUENCE: Sequence},
    draft=Draft,
    outstanding=OUTSTANDING,
)


def step(uid: str, rows: Rows, command: Command, at_ms: int) -> Step:
    """Decide a command of one flow. Pure: calling it twice gives equal results."""
    return machine.step(FLOWS, uid, rows, command, at_ms, None)
