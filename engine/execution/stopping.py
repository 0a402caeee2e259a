"""Stopping what is open: by a kill, or because a task or an SLA ends the whole execution.

Owns which task runs end at once and which are waited for. Scopes follow from the ends of their children
(`scopes.py`); how a person asks for a kill is `decide/kill.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.lines import Lines
from engine.execution.state import TaskRun
from engine.execution.task_runs import end, has_scope, show_running
from engine.values import State


def go_on_killing(draft: ExecutionDraft) -> None:
    """Stop everything that is open, as much as a step holds; a timer that is due at once goes on with the rest."""
    _go_on(draft, "kill/", lambda run: not run.killing)


def exit_execution(draft: ExecutionDraft, state: State) -> None:
    """Let a task end the whole execution: what runs at workers may end, unless the state is KILLED."""
    if state is State.KILLED:
        draft.emit(e.ExecutionStateChanged(state=State.KILLING, at_ms=draft.at_ms))
        go_on_killing(draft)
    else:
        draft.emit(e.ExitRequested(state=state, at_ms=draft.at_ms))
        go_on_exiting(draft)


def break_off(draft: ExecutionDraft, state: State) -> None:
    """End the whole execution in a state; what runs at workers is stopped as by a kill."""
    draft.emit(e.ExitRequested(state=state, at_ms=draft.at_ms))
    go_on_killing(draft)


def go_on_exiting(draft: ExecutionDraft) -> None:
    """End everything that nobody works at, as much as a step holds."""
    _go_on(draft, "exit/", lambda run: not _goes_on(draft, run))
    if any(_goes_on(draft, run) for _key, run in draft.scan("t/")):
        show_running(draft)


def _go_on(draft: ExecutionDraft, timer_id: str, stops: Callable[[TaskRun], bool]) -> None:
    for _key, run in list(draft.scan("t/")):
        if run.state.is_terminal or not stops(run) or _runs_children(draft, run):
            continue
        if draft.full:
            draft.set_timer(timer_id, draft.at_ms)
            return
        _stop(draft, run)
    # The ends above have put their scopes into the agenda; here are those that have no child that runs.
    draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)


def _stop(draft: ExecutionDraft, run: TaskRun) -> None:
    """End a task run that nobody works at; tell the worker of one that runs, and wait for it a little."""
    if not at_worker(run):
        end_stopped(draft, run)
        return
    if draft.task(run).timeout is not None:
        draft.clear_timer(f"timeout/{run.id}")
    draft.emit(e.TaskRunKillRequested(task_run_id=run.id, epoch=run.epoch, worker_id=run.worker_id, at_ms=draft.at_ms))
    draft.set_timer(f"grace/{run.id}", draft.at_ms + draft.setting.kill_grace_ms)


def end_stopped(
    draft: ExecutionDraft, run: TaskRun, *, outputs_json: bytes = b"", error: str = "", lines: Lines = ()
) -> None:
    """End a task run that was to be stopped, as nobody works at it any more."""
    state = _stopped(draft)
    if has_scope(draft, run):
        draft.emit(e.ScopeClosed(scope_id=run.id, state=state))
    end(draft, run, state, outputs_json=outputs_json, error=error, lines=lines)


def _stopped(draft: ExecutionDraft) -> State:
    """Return how a task run ends that is stopped: by an SLA it failed or was cancelled, by all else it was killed."""
    header = draft.header
    broken = [once.partition("/")[2] for once in header.violated if once.startswith(f"{header.attempt}/")]
    if header.exiting is None or all(draft.flow.sla[int(index)].behavior == "NONE" for index in broken):
        return State.KILLED
    return header.exiting


def _runs_children(draft: ExecutionDraft, run: TaskRun) -> bool:
    """True for an open flowable, which ends by its scope. One that a worker does something for has no such child."""
    return run.state is State.RUNNING and not run.worker_id and has_scope(draft, run)


def _goes_on(draft: ExecutionDraft, run: TaskRun) -> bool:
    """True if an exit waits for it."""
    return at_worker(run) or _calls(draft, run)


def _calls(draft: ExecutionDraft, run: TaskRun) -> bool:
    """True if it waits for another execution, as it would for a worker."""
    pure = draft.planned(run.task_id).pure
    return pure is not None and pure.calls and run.state is State.RUNNING


def at_worker(run: TaskRun) -> bool:
    """True while a worker has an attempt: of a flowable, to do something for the engine."""
    return run.state is State.RUNNING and run.worker_id != ""
