"""What executions ask of the slots of their flow. Each is one record of `slots.inbox`, keyed by the flow's uid.

An execution numbers its requests (its first run is 1, each restart adds one): whatever speaks of an older number than
the one that is known came late.
"""

from __future__ import annotations

from engine.machine import Command


class AcquireSlot(Command, frozen=True, kw_only=True):
    """Give the execution a slot, now or in its turn; repeated, it brings the same answer."""

    execution_id: str
    number: int
    revision: int
    """Of the flow, as the execution runs it."""
    limit: int
    """What that revision says; the limit of the newest revision that asked holds for all."""
    behavior: str = "QUEUE"
    """QUEUE | CANCEL | FAIL: whether to wait if all slots are taken, or to be refused."""
    forced: bool = False
    """The execution runs already because a person wants it to: it gets a slot beyond the limit."""


class FollowLimit(Command, frozen=True, kw_only=True):
    """Go by the limit of a new revision of the flow, without waiting for an execution of it that asks."""

    revision: int
    limit: int
    """0: any number may run."""


class ConfirmSlot(Command, frozen=True, kw_only=True):
    """The execution knows that it was granted a slot: there is no need to tell it again."""

    execution_id: str
    number: int


class ReleaseSlot(Command, frozen=True, kw_only=True):
    """Take the slot back, or the execution out of the queue."""

    execution_id: str
    number: int
