"""What can happen to the slot that an execution of a limited flow needs."""

from __future__ import annotations

from engine.machine import Event


class SlotRequested(Event, frozen=True, kw_only=True):
    """The execution asks for a slot of its flow's limit."""

    execution_id: str
    scope: str
    """Id of the slots, the flow's uid."""
    number: int
    """Of the request: the how manieth run of the execution needs it."""
    revision: int
    limit: int
    behavior: str
    """QUEUE | CANCEL | FAIL"""
    at_ms: int
    forced: bool = False
    """A person wants it to run whatever the limit says; it doesn't wait for the slot."""


class SlotQueued(Event, frozen=True, kw_only=True):
    """All slots are taken, the execution waits for its turn."""

    number: int
    at_ms: int


class SlotObtained(Event, frozen=True, kw_only=True):
    """The execution has its slot."""

    number: int
    at_ms: int


class SlotReturned(Event, frozen=True, kw_only=True):
    """The execution has no use for its slot any more, or for its place in the queue."""

    execution_id: str
    scope: str
    number: int
    at_ms: int


class SlotForgotten(Event, frozen=True, kw_only=True):
    """The execution has no slot and asks for none: it was taken back, or refused."""

    number: int
    at_ms: int
