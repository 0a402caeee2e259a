"""How events of an execution's slot change its row."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.state import SLOT, Slot
from engine.machine import Changes, Rows


def slot_requested(_rows: Rows, event: e.SlotRequested) -> Changes:
    """Begin the row, instead of that of an earlier run."""
    yield (
        SLOT,
        Slot(
            execution_id=event.execution_id,
            scope=event.scope,
            number=event.number,
            revision=event.revision,
            limit=event.limit,
            behavior=event.behavior,
            forced=event.forced,
            phase="asked",
        ),
    )


def slot_queued(rows: Rows, _event: e.SlotQueued) -> Changes:
    """Wait to be told."""
    yield SLOT, replace(rows.get(SLOT), phase="queued")


def slot_obtained(rows: Rows, _event: e.SlotObtained) -> Changes:
    """Hold it."""
    yield SLOT, replace(rows.get(SLOT), phase="held")


def slot_returned(rows: Rows, _event: e.SlotReturned) -> Changes:
    """Say so until it is taken."""
    yield SLOT, replace(rows.get(SLOT), phase="returning")


def slot_forgotten(_rows: Rows, _event: e.SlotForgotten) -> Changes:
    """Nothing is left of it."""
    yield SLOT, None
