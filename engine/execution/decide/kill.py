"""Killing an execution: what waits ends at once, what runs is told to stop, nothing new starts."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.callers import answer
from engine.execution.conclusion import end_execution, settle
from engine.execution.draft import ExecutionDraft
from engine.execution.lines import error_lines
from engine.execution.scopes import proceed
from engine.execution.slot import awaits_slot
from engine.execution.state import HEADER, ROOT, TaskRun
from engine.execution.stopping import end_stopped, go_on_killing
from engine.values import State


def kill_execution(draft: ExecutionDraft, command: c.KillExecution) -> None:
    """Begin to kill; a second kill changes nothing, unless the execution has ended: what runs then is stopped."""
    if command.asked_by and draft.get(HEADER) is None:
        # It was never created: whoever asked for it then needn't wait. Should it be created yet, it is killed again.
        never = c.ChildEnded(task_run_id=command.asked_by_run, child_id=draft.id, execution_id="", state=State.KILLED)
        answer(draft, command.asked_by, never)
        return
    header = draft.header
    if header.state is State.KILLING:
        return
    if header.settled:
        raise Rejected(Reason.INVALID_STATE, f"Expected a running execution to kill, but {draft.id} is {header.state}")
    if not header.ended_ms:
        draft.emit(e.ExecutionStateChanged(state=State.KILLING, at_ms=draft.at_ms))
        if draft.scope(ROOT) is None or awaits_slot(draft):
            draft.clear_timer("start/")
            end_execution(draft, State.KILLED)
            settle(draft)
            return
    go_on_killing(draft)
    proceed(draft)


def grace_over(draft: ExecutionDraft, run: TaskRun) -> None:
    """Give up on the worker of a task run that was told to stop."""
    error = f"Worker {run.worker_id} didn't confirm the kill in time; what it does can't be seen from here"
    end_stopped(draft, run, error=error, lines=error_lines(error))
