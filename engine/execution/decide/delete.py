"""Deleting an ended execution, and what can't be done with it from then on."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft


def delete_execution(draft: ExecutionDraft, _command: c.DeleteExecution) -> None:
    """Say that the execution is gone; once more changes nothing.

    Raises:
        Rejected: If it hasn't ended.
    """
    header = draft.header
    if not header.settled:
        raise Rejected(Reason.INVALID_STATE, f"Expected an ended execution, but {draft.id} is {header.state}: kill it")
    if not header.deleted:
        draft.emit(e.ExecutionDeleted(at_ms=draft.at_ms))


def refuse_deleted(draft: ExecutionDraft) -> None:
    """Refuse what would let a deleted execution go on.

    Raises:
        Rejected: If it was deleted.
    """
    if draft.header.deleted:
        raise Rejected(Reason.NOT_FOUND, f"Expected an execution {draft.id}, but it was deleted")
