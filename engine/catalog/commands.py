"""What may be asked of the catalogue. Each is one record of `flows.inbox`, keyed by the flow's uid (`namespace/id`)."""

from __future__ import annotations

from engine.machine import Command


class SaveFlow(Command, frozen=True, kw_only=True):
    """Store a source as the flow's next revision, unless it says what the latest one says."""

    namespace: str
    flow_id: str
    source: str
    mode: str = "upsert"
    """create: refused if the flow exists; update: refused if it doesn't; upsert: either."""


class NoteTriggersFollowed(Command, frozen=True, kw_only=True):
    """The triggers of the flow go by this revision now, or know that it was deleted."""

    revision: int
    deleted: bool


class NoteLimitFollowed(Command, frozen=True, kw_only=True):
    """The slots of the flow go by the limit of this revision, or of a later one."""

    revision: int


class DeleteFlow(Command, frozen=True, kw_only=True):
    """Take the flow away; its revisions stay readable for executions that run them."""

    namespace: str
    flow_id: str
