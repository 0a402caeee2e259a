"""Saying of an ended execution that it ended in another state."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.values import State

ENDS = (State.SUCCESS, State.WARNING, State.FAILED, State.KILLED, State.CANCELLED)


def change_execution_state(draft: ExecutionDraft, command: c.ChangeExecutionState) -> None:
    """Change an end into another one; the same again changes nothing.

    Raises:
        Rejected: If the execution hasn't ended, or the state is no end.
    """
    header = draft.header
    if not header.settled:
        raise Rejected(Reason.INVALID_STATE, f"Expected an ended execution, but {draft.id} is {header.state}")
    if command.state not in ENDS:
        raise Rejected(Reason.INVALID_ARGUMENT, f"Expected one of {', '.join(ENDS)}, but got {command.state}")
    if command.state is not header.state:
        draft.emit(e.ExecutionStateChanged(state=command.state, at_ms=draft.at_ms))
