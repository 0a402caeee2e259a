"""Killing an execution: what waits ends at once, what runs is told to stop, nothing new starts."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.conclusion import settle
from engine.execution.draft import ExecutionDraft
from engine.execution.lines import error_lines
from engine.execution.scopes import proceed
from engine.execution.slot import awaits_slot
from engine.execution.state import ROOT, TaskRun
from engine.execution.stopping import end_stopped, go_on_killing
from engine.values import State


def kill_execution(draft: ExecutionDraft, _command: c.KillExecution) -> None:
    """Begin to kill; a second kill changes nothing, unless the execution has ended: what runs then is stopped."""
    header = draft.header
    if header.state is State.KILLING:
        return
    if header.settled:
        raise Rejected(Reason.INVALID_STATE, f"Expected a running execution to kill, but {draft.id} is {header.state}")
    if not header.ended_ms:
        draft.emit(e.ExecutionStateChanged(state=State.KILLING, at_ms=draft.at_ms))
        if draft.scope(ROOT) is None or awaits_slot(draft):
            draft.clear_timer("start/")
            draft.emit(e.ExecutionEnded(state=State.KILLED, at_ms=draft.at_ms))
            settle(draft)
            return
    go_on_killing(draft)
    proceed(draft)


def grace_over(draft: ExecutionDraft, run: TaskRun) -> None:
    """Give up on the worker of a task run that was told to stop."""
    error = f"Worker {run.worker_id} didn't confirm the kill in time; what it does can't be seen from here"
    end_stopped(draft, run, error=error, lines=error_lines(error))
