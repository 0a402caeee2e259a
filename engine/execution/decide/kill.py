"""Killing an execution: what waits ends at once, what runs is told to stop, nothing new starts."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.lines import error_lines
from engine.execution.scopes import proceed
from engine.execution.state import ROOT, TaskRun
from engine.execution.task_runs import end, has_scope
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
        if draft.scope(ROOT) is None:
            draft.clear_timer("start/")
            draft.emit(e.ExecutionEnded(state=State.KILLED, at_ms=draft.at_ms))
            draft.emit(e.ExecutionSettled(at_ms=draft.at_ms))
            return
    go_on_killing(draft)
    proceed(draft)


def go_on_killing(draft: ExecutionDraft) -> None:
    """Stop what is open, as much as a step holds; a timer that is due at once goes on with the rest.

    Scopes follow from the ends of their children; the ones that have none that runs are put into the agenda.
    """
    for _key, run in list(draft.scan("t/")):
        if run.state.is_terminal or run.killing or has_scope(draft, run):
            continue
        if draft.full:
            draft.set_timer("kill/", draft.at_ms)
            return
        stop(draft, run)
    draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)


def stop(draft: ExecutionDraft, run: TaskRun) -> None:
    """End a task run that nobody works at; tell the worker of one that runs, and wait for it a little."""
    if run.state is State.RUNNING and run.worker_id:
        if draft.task(run).timeout is not None:
            draft.clear_timer(f"timeout/{run.id}")
        draft.emit(
            e.TaskRunKillRequested(task_run_id=run.id, epoch=run.epoch, worker_id=run.worker_id, at_ms=draft.at_ms)
        )
        draft.set_timer(f"grace/{run.id}", draft.at_ms + draft.setting.kill_grace_ms)
    else:
        end(draft, run, State.KILLED)


def grace_over(draft: ExecutionDraft, run: TaskRun) -> None:
    """Give up on the worker of a task run that was told to stop."""
    error = f"Worker {run.worker_id} didn't confirm the kill in time; what it does can't be seen from here"
    end(draft, run, State.KILLED, error=error, lines=error_lines(error))
