"""Beginning, trying again and ending task runs.

Owns what happens to a single task run; which one comes next is `scopes.py`. Deciders call these, they emit events and
put the scopes that may go on into the agenda.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine import expression
from engine.conditions import holds
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.retry import next_attempt_ms
from engine.execution.state import ROOT, Scope, TaskRun, scope_key
from engine.execution.variables import final_of, renderer_of
from engine.flow.model import Task
from engine.flowables import Flowable, flowable_of
from engine.tasks import Outcome, PureTask, Wait, pure_task_of
from engine.values import State, derive_id, parse_duration_ms

DEFAULT_QUEUE = "default"


def start(draft: ExecutionDraft, scope: Scope, task: Task) -> None:
    """Begin a task run in a scope: decide it, open it, or dispatch it to a worker."""
    attempt = draft.header.attempt
    run = TaskRun(
        id=derive_id(draft.id, scope.id, task.id, *([attempt] if attempt > 1 else [])),
        task_id=task.id,
        scope_id=scope.id,
        state=State.CREATED,
        created_ms=draft.at_ms,
        parent_id=parent_run_of(scope),
        value=scope.value,
        iteration=scope.iteration,
        first_ms=draft.at_ms,
        since_ms=draft.at_ms,
    )
    if task.run_if is not None:
        try:
            if not holds(renderer_of(draft, task, run)(task.run_if)):
                _decided(draft, run, State.SKIPPED)
                return
        except (expression.RenderError, expression.NeedsWorld) as error:
            _decided(draft, run, State.FAILED, lines=_error_line(f"runIf: {error}"))
            return
    flowable = flowable_of(task.type)
    if flowable is not None:
        _open(draft, scope, task, run, flowable)
        return
    pure = pure_task_of(task.type)
    if pure is not None and task.worker_group is None and _decide(draft, task, run, pure, created=False):
        return
    _create(draft, run, State.CREATED)
    dispatch(draft, run.id, 1)


def parent_run_of(scope: Scope) -> str | None:
    """Return the task run that a scope's children belong to."""
    if scope.id == ROOT:
        return None
    return scope.parent_scope_id if scope.iteration is not None else scope.id


def again(draft: ExecutionDraft, run: TaskRun) -> None:
    """Make the next attempt of a task run that has a row and isn't running."""
    task = draft.task(run)
    flowable = flowable_of(task.type)
    scope = draft.scope(run.scope_id)
    assert scope is not None
    if flowable is not None:
        _open(draft, scope, task, run, flowable, created=True)
        return
    pure = pure_task_of(task.type)
    if pure is not None and task.worker_group is None and _decide(draft, task, run, pure, created=True):
        return
    dispatch(draft, run.id, run.epoch + 1)


def dispatch(draft: ExecutionDraft, task_run_id: str, epoch: int) -> None:
    """Queue an attempt for a worker."""
    draft.emit(e.TaskDispatched(task_run_id=task_run_id, epoch=epoch, queue=DEFAULT_QUEUE, at_ms=draft.at_ms))


def end_attempt(
    draft: ExecutionDraft,
    run: TaskRun,
    state: State,
    *,
    outputs_json: bytes = b"",
    error: str = "",
    lines: tuple[e.LogLine, ...] = (),
) -> None:
    """End an attempt that failed or succeeded: the task run ends, or waits for its next attempt."""
    task = draft.task(run)
    attempts = max(run.epoch, 1)
    if state is State.FAILED and not draft.killing:
        due_ms = next_attempt_ms(draft.flow, task, run, attempts, draft.at_ms)
        if due_ms is not None:
            draft.emit(
                e.TaskRunRetryScheduled(
                    task_run_id=run.id, epoch=attempts, at_ms=draft.at_ms, due_ms=due_ms, error=error, logs=lines
                )
            )
            draft.set_timer(f"retry/{run.id}", due_ms)
            return
    end(draft, run, final_of(state, task, attempts), outputs_json=outputs_json, error=error, lines=lines)


def end(
    draft: ExecutionDraft,
    run: TaskRun,
    state: State,
    *,
    outputs_json: bytes = b"",
    error: str = "",
    lines: tuple[e.LogLine, ...] = (),
) -> None:
    """End a task run for good; its scope may go on."""
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


def resume(draft: ExecutionDraft, run: TaskRun, outputs: dict[str, Any] | None, state: State = State.SUCCESS) -> None:
    """Let a paused task run go on: with its children if it has any, else it ends."""
    task = draft.task(run)
    draft.clear_timer(f"wait/{run.id}")
    draft.clear_timer(f"timeout/{run.id}")
    outputs_json = msgspec.json.encode(outputs) if outputs else b""
    if state is State.SUCCESS and any(not child.disabled for child in task.branches.get("tasks", ())):
        draft.emit(e.TaskRunResumed(task_run_id=run.id, at_ms=draft.at_ms, outputs_json=outputs_json))
        scope = draft.scope(run.scope_id)
        assert scope is not None
        _open_scope(draft, run, scope, task, order="sequential")
    else:
        end(draft, run, final_of(state, task, 1), outputs_json=outputs_json)
    header = draft.header
    if header.paused == 0 and header.state is State.PAUSED:
        draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))


def _create(draft: ExecutionDraft, run: TaskRun, state: State) -> None:
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


def _decided(
    draft: ExecutionDraft,
    run: TaskRun,
    state: State,
    *,
    outputs_json: bytes = b"",
    lines: tuple[e.LogLine, ...] = (),
) -> None:
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
            logs=lines,
        )
    )
    draft.agenda.append(run.scope_id)


def _error_line(message: str) -> tuple[e.LogLine, ...]:
    return (e.LogLine(level="ERROR", message=message),)


def _decide(draft: ExecutionDraft, task: Task, run: TaskRun, pure: PureTask, *, created: bool) -> bool:
    """Decide a pure task here; False if one of its templates needs a worker."""
    try:
        outcome = pure.decide(task, renderer_of(draft, task, run))
    except expression.NeedsWorld:
        return False
    except (expression.RenderError, ValueError) as error:
        outcome = Outcome(state=State.FAILED, lines=())
        lines = _error_line(str(error))
    else:
        lines = () if isinstance(outcome, Wait) else _kept_lines(task, outcome)
    if isinstance(outcome, Wait):
        _wait(draft, task, run, outcome, created=created)
        return True
    outputs_json = msgspec.json.encode(outcome.outputs) if outcome.outputs is not None else b""
    if created:
        stored = draft.run(run.id)
        assert stored is not None
        end_attempt(
            draft, _next_epoch(stored), outcome.state, outputs_json=outputs_json, error=_first_error(lines), lines=lines
        )
    elif outcome.state is State.FAILED and next_attempt_ms(draft.flow, task, run, 1, draft.at_ms) is not None:
        _create(draft, run, State.CREATED)
        end_attempt(draft, run, State.FAILED, error=_first_error(lines), lines=lines)
    else:
        _decided(draft, run, final_of(outcome.state, task, 1), outputs_json=outputs_json, lines=lines)
    return True


def _next_epoch(run: TaskRun) -> TaskRun:
    return msgspec.structs.replace(run, epoch=run.epoch + 1)


_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


def _kept_lines(task: Task, outcome: Outcome) -> tuple[e.LogLine, ...]:
    least = _LEVELS.index(task.log_level) if task.log_level in _LEVELS else 0
    return tuple(
        e.LogLine(level=line.level, message=line.message)
        for line in outcome.lines
        if line.level not in _LEVELS or _LEVELS.index(line.level) >= least
    )


def _first_error(lines: tuple[e.LogLine, ...]) -> str:
    return next((line.message for line in lines if line.level == "ERROR"), "")


def _wait(draft: ExecutionDraft, task: Task, run: TaskRun, wait: Wait, *, created: bool) -> None:
    if not created:
        _create(draft, run, State.PAUSED if wait.paused else State.RUNNING)
    elif wait.paused:
        draft.emit(e.TaskRunPaused(task_run_id=run.id, at_ms=draft.at_ms))
    else:
        draft.emit(e.TaskRunReopened(task_run_id=run.id, state=State.RUNNING, at_ms=draft.at_ms))
    if wait.duration_ms is not None:
        draft.set_timer(f"wait/{run.id}", draft.at_ms + wait.duration_ms)
    timeout_ms = wait.timeout_ms
    if timeout_ms is None and task.timeout is not None:
        timeout_ms = parse_duration_ms(renderer_of(draft, task, run)(task.timeout))
    if timeout_ms is not None:
        draft.set_timer(f"timeout/{run.id}", draft.at_ms + timeout_ms)
    if wait.paused and draft.header.state is State.RUNNING:
        draft.emit(e.ExecutionStateChanged(state=State.PAUSED, at_ms=draft.at_ms))


def _open(
    draft: ExecutionDraft, scope: Scope, task: Task, run: TaskRun, flowable: Flowable, *, created: bool = False
) -> None:
    try:
        opening = flowable.open(task, renderer_of(draft, task, run))
    except (expression.RenderError, expression.NeedsWorld, ValueError) as error:
        lines = _error_line(str(error))
        if created:
            end(draft, run, final_of(State.FAILED, task, 1), error=str(error), lines=lines)
        else:
            _decided(draft, run, final_of(State.FAILED, task, 1), lines=lines)
        return
    if not created:
        _create(draft, run, State.RUNNING)
    _open_scope(
        draft,
        run,
        scope,
        task,
        order=opening.order,
        branch=opening.branch,
        limit=opening.limit,
        inner=opening.inner,
        values=opening.values,
        outputs_json=msgspec.json.encode(opening.outputs) if opening.outputs is not None else b"",
    )


def _open_scope(draft: ExecutionDraft, run: TaskRun, scope: Scope, task: Task, **opening: Any) -> None:
    draft.emit(
        e.ScopeOpened(
            scope_id=run.id,
            task_id=task.id,
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
