"""How events of task runs change the rows."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.evolve.counting import (
    child_decided,
    child_ended,
    child_started,
    counted,
    forgotten,
    output,
    paused,
    recounted,
)
from engine.execution.state import Scope, TaskRun, carried_key, output_key, scope_key, task_run_key
from engine.machine import Changes, Rows
from engine.values import UNDONE, State


def task_run_created(rows: Rows, event: e.TaskRunCreated) -> Changes:
    """Begin the task run's row; its scope counts it."""
    run = TaskRun(
        id=event.task_run_id,
        task_id=event.task_id,
        scope_id=event.scope_id,
        state=event.state,
        created_ms=event.at_ms,
        parent_id=event.parent_id,
        value=event.value,
        iteration=event.iteration,
        epoch=0 if event.state is State.CREATED else 1,
        since_ms=event.at_ms,
        first_ms=event.at_ms,
    )
    yield task_run_key(run.id), run
    yield counted(child_started(rows.get(scope_key(event.scope_id)), event.task_id))
    if event.state is State.PAUSED:
        yield paused(rows, 1)


def task_dispatched(rows: Rows, event: e.TaskDispatched) -> Changes:
    """The attempt waits for a worker."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield (
        task_run_key(run.id),
        replace(
            run,
            state=State.SUBMITTED,
            epoch=event.epoch,
            queue=event.queue,
            worker_id="",
            asking=event.asks,
            asked=run.asked + (event.asks in ("turn", "collect") or run.asking == "runIf"),
            since_ms=event.at_ms,
        ),
    )


def task_run_started(rows: Rows, event: e.TaskRunStarted) -> Changes:
    """A worker holds the attempt, or the engine itself."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield (
        task_run_key(run.id),
        replace(
            run,
            state=State.RUNNING,
            epoch=event.epoch,
            worker_id=event.worker_id,
            asking=run.asking if event.worker_id else "",
            since_ms=event.at_ms,
        ),
    )


def task_run_resubmitted(rows: Rows, event: e.TaskRunResubmitted) -> Changes:
    """The worker doesn't hold the attempt any more."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield (
        task_run_key(run.id),
        replace(run, state=State.RESUBMITTED, worker_id="", lost=run.lost + event.started, since_ms=event.at_ms),
    )


def task_run_retry_scheduled(rows: Rows, event: e.TaskRunRetryScheduled) -> Changes:
    """The task run waits for its next attempt."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield (
        task_run_key(run.id),
        replace(run, state=State.RETRYING, epoch=event.epoch, worker_id="", tried=run.tried + 1, since_ms=event.at_ms),
    )


def task_run_paused(rows: Rows, event: e.TaskRunPaused) -> Changes:
    """The task run waits for somebody."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield task_run_key(run.id), replace(run, state=State.PAUSED, since_ms=event.at_ms)
    yield paused(rows, 1)


def task_run_resumed(rows: Rows, event: e.TaskRunResumed) -> Changes:
    """A paused task run goes on; what the person entered is its output already."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield task_run_key(run.id), replace(run, state=State.RUNNING, since_ms=event.at_ms)
    yield paused(rows, -1)
    if event.outputs_json:
        scope: Scope = rows.get(scope_key(run.scope_id))
        yield from output(rows, run.task_id, scope.path, event.outputs_json)


def task_run_kill_requested(rows: Rows, event: e.TaskRunKillRequested) -> Changes:
    """Its worker was told to stop it."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield task_run_key(run.id), replace(run, killing=True)


def task_run_ended(rows: Rows, event: e.TaskRunEnded) -> Changes:
    """The scope counts the end; outputs get a row of their own; within loops only a restart's rows are kept."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    scope: Scope = rows.get(scope_key(run.scope_id))
    if run.state is State.PAUSED:
        yield paused(rows, -1)
    if scope.fleeting and event.state not in UNDONE:
        yield task_run_key(run.id), None
        own: Scope | None = rows.get(scope_key(run.id))
        if own is not None:
            yield from forgotten(rows, own)
    else:
        yield (
            task_run_key(run.id),
            replace(run, state=event.state, worker_id="", since_ms=event.at_ms, error=event.error, killing=False),
        )
    yield counted(child_ended(scope, run.id, run.task_id, event.state))
    if event.outputs_json:
        yield from output(rows, run.task_id, scope.path, event.outputs_json)


def task_run_decided(rows: Rows, event: e.TaskRunDecided) -> Changes:
    """Created and ended in one go: only the scope's counters, the outputs and a row for a restart remain."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    yield counted(child_decided(scope, event.task_run_id, event.task_id, event.state))
    if not scope.fleeting or event.state in UNDONE:
        yield (
            task_run_key(event.task_run_id),
            TaskRun(
                id=event.task_run_id,
                task_id=event.task_id,
                scope_id=event.scope_id,
                state=event.state,
                created_ms=event.at_ms,
                parent_id=event.parent_id,
                value=event.value,
                iteration=event.iteration,
                epoch=1,
                since_ms=event.at_ms,
                first_ms=event.at_ms,
                error=event.error,
            ),
        )
    if event.outputs_json:
        yield from output(rows, event.task_id, scope.path, event.outputs_json)


def task_run_carried(rows: Rows, event: e.TaskRunCarried) -> Changes:
    """Take it over: one that is over counts like a decided one, the others like one that begins."""
    if event.outputs_json:
        yield from output(rows, event.task_id, event.path, event.outputs_json)
    if event.top:
        if event.scope_id:
            yield task_run_key(event.task_run_id), _carried(event)
        return
    yield carried_key(event.task_run_id), None
    scope: Scope = rows.get(scope_key(event.scope_id))
    if not event.state.is_terminal:
        yield counted(child_started(scope, event.task_id))
        yield task_run_key(event.task_run_id), _carried(event)
        return
    yield counted(child_decided(scope, event.task_run_id, event.task_id, event.state))
    if not scope.fleeting or event.state in UNDONE:
        yield task_run_key(event.task_run_id), _carried(event)


def _carried(event: e.TaskRunCarried) -> TaskRun:
    """Return its row, with the times that it had."""
    moments = event.history
    return TaskRun(
        id=event.task_run_id,
        task_id=event.task_id,
        scope_id=event.scope_id,
        state=event.state,
        created_ms=moments[0].at_ms if moments else event.at_ms,
        parent_id=event.parent_id,
        value=event.value,
        iteration=event.iteration,
        epoch=event.attempts,
        since_ms=moments[-1].at_ms if moments and event.state.is_terminal else event.at_ms,
        first_ms=event.at_ms,
        error=event.error,
    )


def task_run_reopened(rows: Rows, event: e.TaskRunReopened) -> Changes:
    """Put an ended task run back to its beginning; attempts go on counting, retries begin anew."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    yield (
        task_run_key(run.id),
        replace(
            run,
            state=event.state,
            since_ms=event.at_ms,
            first_ms=event.at_ms,
            tried=0,
            lost=0,
            error="",
            asking=run.asking if event.state is State.RESTARTED else "",
            killing=False,
        ),
    )


def task_run_restated(rows: Rows, event: e.TaskRunRestated) -> Changes:
    """Take the state over, and let the scope count it instead of the one before."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    error = run.error if event.state is State.FAILED else ""
    yield task_run_key(run.id), replace(run, state=event.state, since_ms=event.at_ms, error=error)
    scope: Scope = rows.get(scope_key(run.scope_id))
    yield counted(recounted(recounted(scope, run.state, -1), event.state, 1))


def task_run_removed(rows: Rows, event: e.TaskRunRemoved) -> Changes:
    """Forget the task run, its outputs and, if it is a flowable, what was kept below it."""
    run: TaskRun = rows.get(task_run_key(event.task_run_id))
    scope: Scope | None = rows.get(scope_key(run.scope_id))
    yield task_run_key(run.id), None
    yield output_key(run.task_id, scope.path if scope is not None else ()), None
    own: Scope | None = rows.get(scope_key(run.id))
    if own is not None:
        yield from forgotten(rows, own)
