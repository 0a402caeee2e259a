"""What a timer's time brings. A timer that was cleared or set again in the meantime brings nothing."""

from __future__ import annotations

from collections.abc import Callable

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.decide.attempts import cancel_of
from engine.execution.decide.create import begin
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.state import Timer, timer_key
from engine.execution.task_runs import again, end, end_attempt, resume
from engine.tasks import pure_task_of
from engine.values import State


def fire_timer(draft: ExecutionDraft, command: c.FireTimer) -> None:
    """Do what the timer was set for."""
    timer: Timer | None = draft.get(timer_key(command.timer_id))
    if timer is None or timer.due_ms != command.generation:
        return
    draft.clear_timer(command.timer_id)
    if draft.header.settled:
        return
    purpose, _slash, target = command.timer_id.partition("/")
    _PURPOSES[purpose](draft, target)
    proceed(draft)


def _start(draft: ExecutionDraft, _target: str) -> None:
    begin(draft)


def _continue(draft: ExecutionDraft, scope_id: str) -> None:
    draft.agenda.append(scope_id)


def _wait(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is None or run.state not in (State.RUNNING, State.PAUSED):
        return
    task = draft.task(run)
    pure = pure_task_of(task.type)
    assert pure is not None, task.type
    if run.state is State.PAUSED:
        resume(draft, run, None, pure.waited(task))
    else:
        draft.clear_timer(f"timeout/{run.id}")
        end_attempt(draft, run, pure.waited(task))


def _timeout(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is None or run.state not in (State.RUNNING, State.PAUSED):
        return
    draft.clear_timer(f"wait/{run.id}")
    if run.worker_id:
        draft.answers.append(cancel_of(run.id, run.epoch, run.worker_id))
    line = e.LogLine(level="ERROR", message=f"Timeout after {draft.at_ms - run.since_ms} ms")
    paused = run.state is State.PAUSED
    end_attempt(draft, run, State.FAILED, error=line.message, lines=(line,))
    header = draft.header
    if paused and header.paused == 0 and header.state is State.PAUSED:
        draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))


def _retry(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is not None and run.state is State.RETRYING:
        again(draft, run)


def _grace(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is not None and run.killing:
        end(draft, run, State.KILLED, error=f"Worker {run.worker_id} didn't confirm the kill in time")


_PURPOSES: dict[str, Callable[[ExecutionDraft, str], None]] = {
    "start": _start,
    "continue": _continue,
    "wait": _wait,
    "timeout": _timeout,
    "retry": _retry,
    "grace": _grace,
}
