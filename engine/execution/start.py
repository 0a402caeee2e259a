"""How a task run begins, or its next attempt: decided here, opened, or queued for a worker.

Owns the order of the questions: `runIf`, then flowable, pure or runnable. A failure to render fails the task run with a
log line. A template that needs the world is rendered by a worker, who runs the whole task if it can.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from engine import expression
from engine.conditions import holds
from engine.execution import events as e
from engine.execution.asking import PREPARE, PROPERTIES, RUN_IF, answers_of, reads_secrets
from engine.execution.attempt import Attempt
from engine.execution.batches import open_batches
from engine.execution.carrying import take_over
from engine.execution.children import call
from engine.execution.draft import OUTPUTS_BYTES_MAX, ExecutionDraft, bounded_json
from engine.execution.folders import work_of
from engine.execution.lines import Lines, error_lines, kept_lines
from engine.execution.state import ROOT, Scope, TaskRun, place_of, task_run_id
from engine.execution.stopping import exit_execution
from engine.execution.task_runs import open_scope, outputs_to_json
from engine.execution.updates import changes_of
from engine.flow.model import Task
from engine.flowables import Flowable, Opening
from engine.machine import Event
from engine.tasks import Call, CallEach, PureTask, Wait
from engine.values import State, parse_duration_ms

ITERATIONS_MAX = 512
"""Iterations of one loop at once, whatever its limit says: only active ones have rows."""


def start(draft: ExecutionDraft, scope: Scope, task: Task) -> None:
    """Begin a task run in a scope: decide it, open it, or dispatch it to a worker."""
    run = _new_run(draft, scope, task)
    taken = take_over(draft, scope, run) if draft.header.carries else None
    if taken is None:
        _begin(Attempt(draft, run, created=False), conditional=True)
    elif taken.state is State.RESTARTED:
        _begin(Attempt(draft, taken, created=True), conditional=True)


def refuse(draft: ExecutionDraft, scope: Scope, task: Task, why: str) -> None:
    """Let a task run fail before it begins."""
    Attempt(draft, _new_run(draft, scope, task), created=False).fail(why)


def _new_run(draft: ExecutionDraft, scope: Scope, task: Task) -> TaskRun:
    attempt = draft.header.attempt
    at_ms = draft.at_ms
    return TaskRun(
        id=task_run_id(draft.id, place_of(scope.id, scope.turn), task.id, attempt),
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


def again(draft: ExecutionDraft, run: TaskRun) -> None:
    """Make the next attempt of a task run that has a row and isn't running."""
    _begin(Attempt(draft, run, created=True), conditional=run.asking == RUN_IF)


def answered(draft: ExecutionDraft, run: TaskRun, outputs_json: bytes) -> None:
    """Go on with the attempt for which a worker rendered something, or prepared a folder.

    Raises:
        ValueError: If its answer doesn't fit.
    """
    answers = {} if run.asking == PREPARE else answers_of(draft.task(run), run.asking, outputs_json, draft.setting)
    _begin(Attempt(draft, run, answers, created=True), conditional=run.asking == RUN_IF)


def parent_run_of(scope: Scope) -> str | None:
    """Return the task run that a scope's children belong to."""
    if scope.id == ROOT:
        return None
    return scope.parent_scope_id if scope.iteration is not None else scope.id


def _begin(attempt: Attempt, *, conditional: bool) -> None:
    planned = attempt.planned
    run_if = planned.task.run_if
    if conditional and run_if is not None:
        try:
            if not holds(attempt.render(run_if)):
                attempt.skip()
                return
        except expression.NeedsWorld:
            attempt.ask(RUN_IF)
            return
        except expression.RenderError as error:
            attempt.fail(f"runIf: {error}")
            return
    if planned.flowable is not None:
        if work_of(planned, PREPARE) and not attempt.answered(PREPARE):
            attempt.ask(PREPARE)
        else:
            _open(attempt, planned.flowable)
    elif planned.pure is not None:
        _decide(attempt, planned.pure)
    else:
        attempt.queue()


class _Came(msgspec.Struct, frozen=True):
    """What an attempt of a pure task came to, ready for events."""

    state: State
    outputs_json: bytes
    lines: Lines
    changes: tuple[Event, ...] = ()
    exits: bool = False


def _decide(attempt: Attempt, pure: PureTask) -> None:
    """Decide a pure task here, unless one of its templates needs a worker."""
    came = _evaluated(attempt, pure)
    if came is None:
        if pure.calls and reads_secrets(attempt.planned.task, attempt.draft.setting):
            attempt.fail(
                "The text of a SECRET input would be written to the log: pass it on as `{{ inputs.name }}` and nothing "
                "else, to a SECRET input of the flow that is called"
            )
        elif pure.asks:
            attempt.ask(PROPERTIES)
        else:
            attempt.queue()
    elif isinstance(came, Wait):
        _wait(attempt.draft, attempt.begin(paused=came.paused), came)
    elif isinstance(came, Call | CallEach):
        _call(attempt, came)
    else:
        for change in came.changes:
            attempt.draft.emit(change)
        if came.exits:
            attempt.exit(came.state, came.lines)
            exit_execution(attempt.draft, came.state)
        else:
            attempt.end(came.state, came.outputs_json, came.lines)


def _evaluated(attempt: Attempt, pure: PureTask) -> _Came | Wait | Call | CallEach | None:
    """Return what a pure task comes to, its own timeout included; None if a template needs a worker."""
    task, render = attempt.planned.task, attempt.render
    lines: Lines = ()
    try:
        outcome = pure.decide(task, render)
        if isinstance(outcome, Wait):
            if outcome.timeout_ms is None and task.timeout is not None:
                outcome = replace(outcome, timeout_ms=parse_duration_ms(render(task.timeout)))
            return outcome
        if isinstance(outcome, Call | CallEach):
            return outcome
        lines = kept_lines(task, outcome.lines) if outcome.lines else ()
        outputs_json = outputs_to_json(outcome.outputs) if outcome.outputs is not None else b""
        update = outcome.update
        if update is None:
            return _Came(outcome.state, outputs_json, lines)
        changes = changes_of(attempt.draft, update)
        return _Came(outcome.state, outputs_json, lines, changes, update.exit is not None)
    except expression.NeedsWorld:
        return None
    except (expression.RenderError, ValueError) as error:
        return _Came(State.FAILED, b"", (*lines, *error_lines(expression.with_property(error, task.properties))))


def _call(attempt: Attempt, wish: Call | CallEach) -> None:
    """Ask for the executions that the task calls; the task's timeout bounds how long it waits for it."""
    timeout = attempt.planned.task.timeout
    try:
        timeout_ms = None if timeout is None else max(parse_duration_ms(attempt.render(timeout)), 0)
        if isinstance(wish, Call):
            bounded_json(wish.inputs, "inputs")
    except (expression.RenderError, expression.NeedsWorld, ValueError) as error:
        attempt.fail(str(error))
        return
    run = attempt.begin()
    if timeout_ms is not None:
        attempt.draft.set_timer(f"timeout/{run.id}", attempt.draft.at_ms + timeout_ms)
    if isinstance(wish, Call):
        call(attempt.draft, run, wish)
    else:
        open_batches(attempt.draft, run, wish)


def _wait(draft: ExecutionDraft, run: TaskRun, wait: Wait) -> None:
    """Set the timers of a task run that goes on later; show the execution as paused if it is."""
    if wait.duration_ms is not None:
        draft.set_timer(f"wait/{run.id}", draft.at_ms + wait.duration_ms)
    if wait.timeout_ms is not None:
        draft.set_timer(f"timeout/{run.id}", draft.at_ms + max(wait.timeout_ms, 0))
    if wait.paused and draft.header.state is State.RUNNING:
        draft.emit(e.ExecutionStateChanged(state=State.PAUSED, at_ms=draft.at_ms))


def _open(attempt: Attempt, flowable: Flowable) -> None:
    """Open a flowable: what it renders and chooses goes into the event."""
    try:
        opening = flowable.open(attempt.planned.task, attempt.render)
        _check_values(opening)
        outputs_json = outputs_to_json(opening.outputs) if opening.outputs is not None else b""
    except expression.NeedsWorld:
        attempt.ask(PROPERTIES)
        return
    except (expression.RenderError, ValueError) as error:
        attempt.fail(expression.with_property(error, attempt.planned.task.properties))
        return
    scope = attempt.draft.scope(attempt.scope_id)
    assert scope is not None
    open_scope(
        attempt.draft,
        attempt.begin(),
        scope,
        order=opening.order,
        branch=opening.branch,
        limit=min(opening.limit or ITERATIONS_MAX, ITERATIONS_MAX) if opening.order == "loop" else opening.limit,
        inner=opening.inner,
        values=opening.values,
        outputs_json=outputs_json,
    )


def _check_values(opening: Opening) -> None:
    size = sum(map(len, opening.values))
    if size > OUTPUTS_BYTES_MAX:
        raise ValueError(
            f"Expected values of at most {OUTPUTS_BYTES_MAX} bytes together, but they have {size}: keep them in a "
            f"file in storage and loop over its parts"
        )
