"""Pausing an execution as a whole, and resuming it or one of its paused task runs."""

from __future__ import annotations

import msgspec

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.task_runs import resume
from engine.values import State


def pause_execution(draft: ExecutionDraft, _command: c.PauseExecution) -> None:
    """Let what runs finish and start nothing further."""
    header = draft.header
    if header.state is State.PAUSED:
        return
    if header.state is not State.RUNNING:
        raise Rejected(Reason.INVALID_STATE, f"Expected a RUNNING execution to pause, but {draft.id} is {header.state}")
    draft.emit(e.ExecutionStateChanged(state=State.PAUSED, at_ms=draft.at_ms))


def resume_execution(draft: ExecutionDraft, command: c.ResumeExecution) -> None:
    """Go on after a pause."""
    header = draft.header
    if header.held and not command.task_run_id:
        draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))
        draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)
        proceed(draft)
        return
    if command.task_run_id:
        run = draft.run(command.task_run_id)
    else:
        run = next((row for _key, row in draft.scan("t/") if row.state is State.PAUSED), None)
    if run is None or run.state is not State.PAUSED:
        raise Rejected(Reason.INVALID_STATE, f"Expected a PAUSED execution to resume, but {draft.id} is {header.state}")
    inputs = msgspec.json.decode(command.inputs_json)
    resume(draft, run, {"onResume": inputs} if inputs else None)
    proceed(draft)
