"""Ending an execution whose partition can't go on otherwise, so that its users see why."""

from __future__ import annotations

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.conclusion import settle
from engine.execution.draft import ExecutionDraft
from engine.execution.kin import AWAITED, Awaited
from engine.execution.state import HEADER, Header
from engine.values import State


def abandon_execution(draft: ExecutionDraft, command: c.AbandonExecution) -> None:
    """End the execution as FAILED, whatever it was doing; one that doesn't exist or is over stays as it is.

    Nothing but the header and its caller is touched: the rows below may be what can't be processed. Workers are told to
    drop what they claim of it, and a restart runs again whatever hadn't ended.
    """
    header: Header | None = draft.get(HEADER)
    if header is None or header.settled:
        return
    if not header.ended_ms:
        draft.emit(e.ExecutionEnded(state=State.FAILED, at_ms=draft.at_ms, error=command.error))
        awaited: Awaited | None = draft.get(AWAITED)
        if awaited is not None:
            error = f"Execution {draft.id} can't go on: {command.error}"
            called = e.CallerCalled(caller=awaited.caller, execution_id=draft.id, state=State.FAILED, error=error)
            draft.emit(called)
    settle(draft)
