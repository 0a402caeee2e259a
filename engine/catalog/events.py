"""What can happen to a flow in the catalogue."""

from __future__ import annotations

from engine.machine import CommandRejected, Event

__all__ = ["CommandRejected"]


class FlowSaved(Event, frozen=True, kw_only=True):
    """A new revision of the flow exists."""

    namespace: str
    flow_id: str
    revision: int
    source: str
    at_ms: int


class FlowDeleted(Event, frozen=True, kw_only=True):
    """The flow was taken away."""

    namespace: str
    flow_id: str
    revision: int
    """The revision that was the latest."""
    at_ms: int


class LimitChanged(Event, frozen=True, kw_only=True):
    """A new revision allows another number of executions at once: the flow's slots are told until they answer."""

    namespace: str
    flow_id: str
    revision: int
    limit: int
    """0: any number."""
    at_ms: int


class LimitFollowed(Event, frozen=True, kw_only=True):
    """The slots of the flow know the limit."""


class TriggersChanged(Event, frozen=True, kw_only=True):
    """The flow has, or had, triggers that go by time: they are told which revision counts until they answer."""

    namespace: str
    flow_id: str
    revision: int
    deleted: bool
    at_ms: int


class TriggersFollowing(Event, frozen=True, kw_only=True):
    """The triggers of the flow go by the revision that counts."""
