"""Pausing an execution as a whole, and resuming it or one of its paused task runs."""

from __future__ import annotations

import msgspec

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.state import TaskRun
from engine.execution.task_runs import resume
from engine.values import State


def pause_execution(draft: ExecutionDraft, _command: c.PauseExecution) -> None:
    """Let what runs finish and start nothing further."""
    header = draft.header
    if header.state is State.PAUSED:
        return
    if header.state is not State.RUNNING:
        raise Rejected(Reason.INVALID_STATE, f"Expected a RUNNING execution to pause, but {draft.id} is {header.state}")
    draft.emit(e.ExecutionStateChanged(state=State.PAUSED, at_ms=draft.at_ms, held=True))
    proceed(draft)


def resume_execution(draft: ExecutionDraft, command: c.ResumeExecution) -> None:
    """Go on after a pause."""
    header = draft.header
    if header.held:
        _release(draft)
        return
    run = draft.run(command.task_run_id) if command.task_run_id else _first_paused(draft)
    if run is None or run.state is not State.PAUSED or header.settled:
        what = f"a PAUSED task run {command.task_run_id}" if command.task_run_id else "a PAUSED execution"
        raise Rejected(Reason.INVALID_STATE, f"Expected {what} to resume, but {draft.id} is {header.state}")
    inputs = msgspec.json.decode(command.inputs_json)
    resume(draft, run, {"onResume": inputs} if inputs else None)
    proceed(draft)


def _release(draft: ExecutionDraft) -> None:
    """Let an execution that a person paused go on: its scopes, and its timers.

    All timers are set anew: one may have come due meanwhile and waited, also by a clock that was set back since.
    """
    draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))
    for key, timer in list(draft.scan("m/")):
        draft.set_timer(key[2:], max(timer.due_ms, draft.at_ms))
    draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)
    proceed(draft)


def _first_paused(draft: ExecutionDraft) -> TaskRun | None:
    """Return the task run that has been paused for the longest time."""
    paused = (run for _key, run in draft.scan("t/") if run.state is State.PAUSED)
    return min(paused, key=lambda run: (run.since_ms, run.created_ms, run.id), default=None)
