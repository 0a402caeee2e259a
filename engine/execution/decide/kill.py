"""Killing an execution: what waits ends at once, what runs is told to stop, nothing new starts."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.state import ROOT, TaskRun
from engine.execution.task_runs import end, has_scope
from engine.values import State


def kill_execution(draft: ExecutionDraft, _command: c.KillExecution) -> None:
    """Begin to kill; a second kill changes nothing."""
    header = draft.header
    if header.state is State.KILLING:
        return
    if header.state.is_terminal:
        raise Rejected(Reason.INVALID_STATE, f"Expected a running execution to kill, but {draft.id} is {header.state}")
    draft.emit(e.ExecutionStateChanged(state=State.KILLING, at_ms=draft.at_ms))
    for key, _timer in list(draft.scan("m/")):
        draft.clear_timer(key[2:])
    if draft.scope(ROOT) is None:
        draft.emit(e.ExecutionEnded(state=State.KILLED, at_ms=draft.at_ms))
        draft.emit(e.ExecutionSettled(at_ms=draft.at_ms))
        return
    for _key, run in list(draft.scan("t/")):
        if not run.state.is_terminal and not has_scope(draft, run):
            _stop(draft, run)
    draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)
    proceed(draft)


def _stop(draft: ExecutionDraft, run: TaskRun) -> None:
    if run.state is State.RUNNING and run.worker_id:
        draft.emit(
            e.TaskRunKillRequested(task_run_id=run.id, epoch=run.epoch, worker_id=run.worker_id, at_ms=draft.at_ms)
        )
        draft.set_timer(f"grace/{run.id}", draft.at_ms + draft.setting.kill_grace_ms)
    else:
        end(draft, run, State.KILLED)
