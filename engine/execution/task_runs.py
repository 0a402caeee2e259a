"""What happens to a single task run after it began: queued, tried again, ended, resumed.

Deciders call these; they emit events and put the scopes that may go on into the agenda. How a task run begins is
`start.py`, which one comes next is `scopes.py`.
"""

from __future__ import annotations

from typing import Any

from engine.execution import events as e
from engine.execution.children import give_up, next_try
from engine.execution.draft import ExecutionDraft, bounded_json
from engine.execution.kin import TRIES, Tries
from engine.execution.lines import Lines, first_error
from engine.execution.retry import SAME_EXECUTION, next_attempt_ms, next_execution_ms
from engine.execution.state import Scope, TaskRun, scope_key
from engine.flow.model import Task
from engine.values import State, derive_id

DEFAULT_QUEUE = "default"


def final_of(state: State, task: Task, retried: bool = False) -> State:
    """Return a task run's final state: a warning for retries where asked, then `allowFailure`, then `allowWarning`."""
    if state is State.SUCCESS and retried and task.retry is not None and task.retry.warning_on_retry:
        state = State.WARNING
    if state is State.FAILED and task.allow_failure:
        state = State.WARNING
    if state is State.WARNING and task.allow_warning:
        state = State.SUCCESS
    return state


def outputs_to_json(outputs: Any) -> bytes:
    """Return outputs as an event carries them. Raises as `bounded_json` does."""
    return bounded_json(outputs, "outputs")


def create(draft: ExecutionDraft, run: TaskRun, state: State) -> TaskRun:
    """Begin a task run's existence and return its row."""
    draft.emit(
        e.TaskRunCreated(
            task_run_id=run.id,
            task_id=run.task_id,
            scope_id=run.scope_id,
            parent_id=run.parent_id,
            value=run.value,
            iteration=run.iteration,
            state=state,
            at_ms=draft.at_ms,
        )
    )
    created = draft.run(run.id)
    assert created is not None
    return created


def decided(
    draft: ExecutionDraft,
    run: TaskRun,
    state: State,
    *,
    outputs_json: bytes = b"",
    error: str = "",
    lines: Lines = (),
) -> None:
    """Begin and end a task run in one go; its scope may go on."""
    draft.emit(
        e.TaskRunDecided(
            task_run_id=run.id,
            task_id=run.task_id,
            scope_id=run.scope_id,
            parent_id=run.parent_id,
            value=run.value,
            iteration=run.iteration,
            state=state,
            at_ms=draft.at_ms,
            outputs_json=outputs_json,
            error=error,
            logs=lines,
        )
    )
    draft.agenda.append(run.scope_id)


def end_now(draft: ExecutionDraft, run: TaskRun, state: State, lines: Lines) -> None:
    """End a task run that failed before it came to anything, without a further attempt."""
    decided(draft, run, final_of(state, draft.task(run)), error=first_error(lines), lines=lines)


def dispatch(draft: ExecutionDraft, task_run_id: str, epoch: int, asks: str = "") -> None:
    """Queue an attempt for a worker; see `TaskDispatched` for what it may be asked."""
    draft.emit(
        e.TaskDispatched(task_run_id=task_run_id, epoch=epoch, queue=DEFAULT_QUEUE, at_ms=draft.at_ms, asks=asks)
    )


def next_try_ms(draft: ExecutionDraft, run: TaskRun) -> int | None:
    """Return when another execution is due in the place of this one, as a task run failed; None: never."""
    planned = draft.planned(run.task_id)
    if planned.retry is None or planned.retry.behavior == SAME_EXECUTION or planned.handler:
        return None
    tries: Tries | None = draft.get(TRIES)
    number, first_ms = (tries.tries, tries.first_ms) if tries is not None else (1, draft.header.created_ms)
    return next_execution_ms(planned.retry, number, first_ms, draft.at_ms, derive_id(draft.id, run.id, number))


def try_anew(draft: ExecutionDraft, run: TaskRun, due_ms: int) -> None:
    """End this execution as RETRIED, and have another one of its flow begin when that is due."""
    draft.emit(next_try(draft, run, due_ms))
    draft.emit(e.ExitRequested(state=State.RETRIED, at_ms=draft.at_ms))
    draft.set_timer("exit/", draft.at_ms)


def begin_attempt(draft: ExecutionDraft, run: TaskRun, epoch: int) -> TaskRun:
    """Let the engine itself run an attempt of a task run that has a row; return the row."""
    draft.emit(e.TaskRunStarted(task_run_id=run.id, epoch=epoch, worker_id="", at_ms=draft.at_ms))
    begun = draft.run(run.id)
    assert begun is not None
    return begun


def end_attempt(
    draft: ExecutionDraft,
    run: TaskRun,
    state: State,
    *,
    outputs_json: bytes = b"",
    error: str = "",
    lines: Lines = (),
) -> None:
    """End an attempt that failed or succeeded: the task run ends, or waits for its next attempt."""
    planned = draft.planned(run.task_id)
    if state is State.FAILED and not draft.stopping:
        due_ms = next_attempt_ms(planned.retry, run, draft.at_ms)
        if due_ms is not None:
            clear_timers(draft, run)
            draft.emit(
                e.TaskRunRetryScheduled(
                    task_run_id=run.id,
                    epoch=run.epoch,
                    at_ms=draft.at_ms,
                    due_ms=due_ms,
                    error=error,
                    logs=lines,
                )
            )
            draft.set_timer(f"retry/{run.id}", due_ms)
            return
        due_ms = next_try_ms(draft, run)
        if due_ms is not None:
            end(draft, run, State.RETRIED, outputs_json=outputs_json, error=error, lines=lines)
            try_anew(draft, run, due_ms)
            return
    end(draft, run, final_of(state, planned.task, run.tried > 0), outputs_json=outputs_json, error=error, lines=lines)


def end(
    draft: ExecutionDraft,
    run: TaskRun,
    state: State,
    *,
    outputs_json: bytes = b"",
    error: str = "",
    lines: Lines = (),
) -> None:
    """End a task run for good; its scope may go on."""
    clear_timers(draft, run)
    draft.emit(
        e.TaskRunEnded(
            task_run_id=run.id,
            state=state,
            at_ms=draft.at_ms,
            outputs_json=outputs_json,
            error=error,
            logs=lines,
        )
    )
    draft.agenda.append(run.scope_id)
    leave_pause(draft)


def clear_timers(draft: ExecutionDraft, run: TaskRun) -> None:
    """Take away what was set for the attempt or wait that is over now, and who it waited for."""
    if run.state is State.RETRYING:
        draft.clear_timer(f"retry/{run.id}")
        return
    planned = draft.planned(run.task_id)
    if run.killing:
        draft.clear_timer(f"grace/{run.id}")
    if planned.task.timeout is not None:
        draft.clear_timer(f"timeout/{run.id}")
    if planned.pure is not None and planned.pure.waits:
        draft.clear_timer(f"wait/{run.id}")
    if planned.pure is not None and planned.pure.calls:
        give_up(draft, run)


def leave_pause(draft: ExecutionDraft) -> None:
    """Let the execution show RUNNING again after one of its task runs was paused, unless it is about to end."""
    if not draft.stopping:
        show_running(draft)


def show_running(draft: ExecutionDraft) -> None:
    """Let the execution show RUNNING again if none of its task runs is paused and nobody holds it."""
    header = draft.header
    if header.state is State.PAUSED and header.paused == 0 and not header.held:
        draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))


def resume(draft: ExecutionDraft, run: TaskRun, outputs: dict[str, Any] | None, state: State = State.SUCCESS) -> None:
    """Let a paused task run go on: with its children if it has any, else it ends."""
    planned = draft.planned(run.task_id)
    outputs_json = outputs_to_json(outputs) if outputs else b""
    if state is State.SUCCESS and planned.branches.get("tasks"):
        clear_timers(draft, run)
        draft.emit(e.TaskRunResumed(task_run_id=run.id, at_ms=draft.at_ms, outputs_json=outputs_json))
        scope = draft.scope(run.scope_id)
        assert scope is not None
        open_scope(draft, run, scope, order="sequential")
        leave_pause(draft)
    else:
        end(draft, run, final_of(state, planned.task), outputs_json=outputs_json)


def open_scope(draft: ExecutionDraft, run: TaskRun, scope: Scope, **opening: Any) -> None:
    """Let the children of a task run begin."""
    draft.emit(
        e.ScopeOpened(
            scope_id=run.id,
            task_id=run.task_id,
            parent_scope_id=scope.id,
            path=scope.path,
            at_ms=draft.at_ms,
            **opening,
        )
    )
    draft.agenda.append(run.id)


def has_scope(draft: ExecutionDraft, run: TaskRun) -> bool:
    """True if the task run is a flowable whose scope has a row."""
    return draft.get(scope_key(run.id)) is not None
