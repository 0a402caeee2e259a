"""What can happen to the slots of a flow."""

from __future__ import annotations

from engine.machine import CommandRejected, Event

__all__ = ["CommandRejected"]


class SlotLimitChanged(Event, frozen=True, kw_only=True):
    """So many executions may hold a slot from now on; those that hold one keep it."""

    scope: str
    limit: int
    """0: any number."""
    revision: int
    """The flow's, which says so."""
    at_ms: int


class SlotGranted(Event, frozen=True, kw_only=True):
    """An execution holds a slot now."""

    scope: str
    execution_id: str
    number: int
    at_ms: int
    waited: bool = False
    """True: it comes out of the queue."""
    forced: bool = False
    """True: it didn't matter whether one was free."""


class SlotAwaited(Event, frozen=True, kw_only=True):
    """An execution is the last of the queue now."""

    scope: str
    execution_id: str
    number: int
    at_ms: int


class SlotConfirmed(Event, frozen=True, kw_only=True):
    """The execution knows of its slot."""

    execution_id: str
    number: int


class SlotVacated(Event, frozen=True, kw_only=True):
    """An execution gave its slot back, or its place in the queue."""

    scope: str
    execution_id: str
    number: int
    at_ms: int
