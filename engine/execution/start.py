"""How a task run begins, or its next attempt: decided here, opened, or queued for a worker.

Owns the order of the questions: `runIf`, then flowable, pure or runnable. A failure to render fails the task run with a
log line; a template that needs the world goes to a worker.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from engine import expression
from engine.conditions import holds
from engine.execution import events as e
from engine.execution.draft import OUTPUTS_BYTES_MAX, ExecutionDraft
from engine.execution.lines import Lines, error_lines, first_error, kept_lines
from engine.execution.plan import PlannedTask
from engine.execution.retry import next_attempt_ms
from engine.execution.state import ROOT, Scope, TaskRun
from engine.execution.stopping import exit_execution
from engine.execution.task_runs import (
    begin_attempt,
    create,
    decided,
    dispatch,
    end,
    end_attempt,
    end_now,
    final_of,
    open_scope,
    outputs_to_json,
)
from engine.execution.updates import changes_of
from engine.execution.variables import Renderer
from engine.flow.model import Task
from engine.flowables import Flowable
from engine.machine import Event
from engine.tasks import PureTask, Wait
from engine.values import State, derive_id, parse_duration_ms

ITERATIONS_MAX = 512
"""Iterations of one loop at once, whatever its limit says: only active ones have rows."""


def start(draft: ExecutionDraft, scope: Scope, task: Task) -> None:
    """Begin a task run in a scope: decide it, open it, or dispatch it to a worker."""
    attempt = draft.header.attempt
    at_ms = draft.at_ms
    place = scope.id if scope.turn <= 1 else f"{scope.id}~{scope.turn}"
    run = TaskRun(
        id=derive_id(draft.id, place, task.id, attempt) if attempt > 1 else derive_id(draft.id, place, task.id),
        task_id=task.id,
        scope_id=scope.id,
        state=State.CREATED,
        created_ms=at_ms,
        parent_id=parent_run_of(scope),
        value=scope.value,
        iteration=scope.turn - 1 if scope.turn else scope.iteration,
        first_ms=at_ms,
        since_ms=at_ms,
    )
    planned = draft.planned(task.id)
    render = Renderer(draft, run)
    if task.run_if is not None:
        try:
            if not holds(render(task.run_if)):
                decided(draft, run, State.SKIPPED)
                return
        except (expression.RenderError, expression.NeedsWorld) as error:
            end_now(draft, run, State.FAILED, error_lines(f"runIf: {error}"))
            return
    if planned.flowable is not None:
        _open(draft, run, planned.flowable, render, created=False)
    elif planned.pure is None or not _decide(draft, run, planned, planned.pure, render):
        create(draft, run, State.CREATED)
        dispatch(draft, run.id, 1)


def parent_run_of(scope: Scope) -> str | None:
    """Return the task run that a scope's children belong to."""
    if scope.id == ROOT:
        return None
    return scope.parent_scope_id if scope.iteration is not None else scope.id


def again(draft: ExecutionDraft, run: TaskRun) -> None:
    """Make the next attempt of a task run that has a row and isn't running."""
    planned = draft.planned(run.task_id)
    if planned.flowable is not None:
        begun = begin_attempt(draft, run)
        _open(draft, begun, planned.flowable, Renderer(draft, begun), created=True)
    elif planned.pure is None or not _decide_again(draft, run, planned.task, planned.pure):
        dispatch(draft, run.id, run.epoch + 1)


def _decide(draft: ExecutionDraft, run: TaskRun, planned: PlannedTask, pure: PureTask, render: Renderer) -> bool:
    """Decide the first attempt of a pure task here; False if one of its templates needs a worker."""
    task = planned.task
    outcome = _evaluated(draft, task, pure, render)
    if outcome is None:
        return False
    if isinstance(outcome, Wait):
        _wait(draft, create(draft, run, State.PAUSED if outcome.paused else State.RUNNING), outcome)
        return True
    for change in outcome.changes:
        draft.emit(change)
    state, lines = outcome.state, outcome.lines
    if outcome.exits or state is State.SUCCESS:
        final = state if outcome.exits else final_of(state, task)
        decided(draft, run, final, outputs_json=outcome.outputs_json, lines=lines)
    elif next_attempt_ms(planned.retry, run, draft.at_ms) is None:
        end_now(draft, run, state, lines)
    else:
        end_attempt(draft, create(draft, run, State.RUNNING), state, error=first_error(lines), lines=lines)
    if outcome.exits:
        exit_execution(draft, state)
    return True


def _decide_again(draft: ExecutionDraft, run: TaskRun, task: Task, pure: PureTask) -> bool:
    """Decide a further attempt of a pure task here; False if one of its templates needs a worker."""
    outcome = _evaluated(draft, task, pure, Renderer(draft, replace(run, epoch=run.epoch + 1)))
    if outcome is None:
        return False
    begun = begin_attempt(draft, run)
    if isinstance(outcome, Wait):
        if outcome.paused:
            draft.emit(e.TaskRunPaused(task_run_id=run.id, at_ms=draft.at_ms))
        _wait(draft, begun, outcome)
        return True
    for change in outcome.changes:
        draft.emit(change)
    state, lines = outcome.state, outcome.lines
    if outcome.exits:
        end(draft, begun, state, lines=lines)
        exit_execution(draft, state)
    else:
        outputs_json = outcome.outputs_json
        end_attempt(draft, begun, state, outputs_json=outputs_json, error=first_error(lines), lines=lines)
    return True


class _Came(msgspec.Struct, frozen=True):
    """What an attempt of a pure task came to, ready for events."""

    state: State
    outputs_json: bytes
    lines: Lines
    changes: tuple[Event, ...] = ()
    exits: bool = False


def _evaluated(draft: ExecutionDraft, task: Task, pure: PureTask, render: Renderer) -> _Came | Wait | None:
    """Return what a pure task comes to, its own timeout included; None if a template needs a worker."""
    lines: Lines = ()
    try:
        outcome = pure.decide(task, render)
        if isinstance(outcome, Wait):
            if outcome.timeout_ms is None and task.timeout is not None:
                outcome = replace(outcome, timeout_ms=parse_duration_ms(render(task.timeout)))
            return outcome
        lines = kept_lines(task, outcome.lines) if outcome.lines else ()
        outputs_json = outputs_to_json(outcome.outputs) if outcome.outputs is not None else b""
        update = outcome.update
        if update is None:
            return _Came(outcome.state, outputs_json, lines)
        return _Came(outcome.state, outputs_json, lines, changes_of(draft, update), update.exit is not None)
    except expression.NeedsWorld:
        return None
    except (expression.RenderError, ValueError) as error:
        return _Came(State.FAILED, b"", (*lines, *error_lines(str(error))))


def _wait(draft: ExecutionDraft, run: TaskRun, wait: Wait) -> None:
    """Set the timers of a task run that goes on later; show the execution as paused if it is."""
    if wait.duration_ms is not None:
        draft.set_timer(f"wait/{run.id}", draft.at_ms + wait.duration_ms)
    if wait.timeout_ms is not None:
        draft.set_timer(f"timeout/{run.id}", draft.at_ms + max(wait.timeout_ms, 0))
    if wait.paused and draft.header.state is State.RUNNING:
        draft.emit(e.ExecutionStateChanged(state=State.PAUSED, at_ms=draft.at_ms))


def _open(draft: ExecutionDraft, run: TaskRun, flowable: Flowable, render: Renderer, *, created: bool) -> None:
    """Open a flowable: what it renders and chooses goes into the event."""
    task = draft.task(run)
    try:
        opening = flowable.open(task, render)
        values_bytes = sum(map(len, opening.values))
        if values_bytes > OUTPUTS_BYTES_MAX:
            raise ValueError(
                f"Expected values of at most {OUTPUTS_BYTES_MAX} bytes together, but they have {values_bytes}: keep "
                f"them in a file in storage and loop over its parts"
            )
        outputs_json = outputs_to_json(opening.outputs) if opening.outputs is not None else b""
    except (expression.RenderError, expression.NeedsWorld, ValueError) as error:
        if created:
            message = str(error)
            end(draft, run, final_of(State.FAILED, task), error=message, lines=error_lines(message))
        else:
            end_now(draft, run, State.FAILED, error_lines(str(error)))
        return
    scope = draft.scope(run.scope_id)
    assert scope is not None
    open_scope(
        draft,
        run if created else create(draft, run, State.RUNNING),
        scope,
        order=opening.order,
        branch=opening.branch,
        limit=min(opening.limit or ITERATIONS_MAX, ITERATIONS_MAX) if opening.order == "loop" else opening.limit,
        inner=opening.inner,
        values=opening.values,
        outputs_json=outputs_json,
    )
