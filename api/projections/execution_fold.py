"""How events of executions change the views.

Owns one function per event that the views show. No rules: what an event says is taken over. The functions run for every
event of every execution, so they only append to `Batch`, and never read a row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.projections.batch import Batch, ExecutionChange, TaskRunChange
from engine.execution import events as e
from engine.execution.asking import COLLECT, TURN
from engine.machine import CommandRejected
from engine.values import State
from topics.messages import LogEntry, MetricEntry, Step

LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}
INFO = LEVELS["INFO"]

WHILE_RUNNING = frozenset({TURN, COLLECT})
"""What a worker does for a flowable that runs: nobody waits for an attempt of it."""

Fold = Callable[[Batch, Step, ExecutionChange, Any, int], None]


def fold_step(batch: Batch, step: Step) -> None:
    """Add a counted step of an execution."""
    events = step.events
    if not events or type(events[0]) is CommandRejected:
        return
    seq = step.seq
    change = batch.executions.get(step.id)
    if change is None:
        change = batch.executions[step.id] = ExecutionChange(step.id, seq)
    for event in events:
        fold = FOLDS.get(type(event))
        if fold is not None:
            fold(batch, step, change, event, seq)
        seq += 1
    change.seq = seq - 1


def fold_log_entry(batch: Batch, entry: LogEntry) -> None:
    """Add a line that a worker sent. Clients count attempts from 0."""
    batch.lines.append(
        (
            entry.execution_id,
            entry.id,
            entry.at_ms,
            entry.number,
            entry.namespace,
            entry.flow_id,
            entry.task_id or None,
            entry.task_run_id or None,
            max(entry.attempt - 1, 0),
            LEVELS.get(entry.level, INFO),
            entry.thread,
            entry.message,
        )
    )


def fold_metric(batch: Batch, entry: MetricEntry) -> None:
    """Add a metric that a worker sent."""
    batch.metrics.append(
        (
            entry.execution_id,
            entry.id,
            entry.at_ms,
            entry.namespace,
            entry.flow_id,
            entry.task_id,
            entry.task_run_id,
            entry.kind,
            entry.name,
            entry.value,
            entry.tags_json.decode() or "{}",
        )
    )


def _entry(state: str, at_ms: int) -> str:
    return f',["{state}",{at_ms}]'


def _execution_created(
    _batch: Batch, _step: Step, change: ExecutionChange, event: e.ExecutionCreated, _seq: int
) -> None:
    change.born = event
    change.labels = event.labels
    change.state = "CREATED"
    change.journal += _entry("CREATED", event.at_ms)


def _execution_state_changed(
    _batch: Batch, _step: Step, change: ExecutionChange, event: e.ExecutionStateChanged, _seq: int
) -> None:
    change.state = event.state.value
    change.journal += _entry(event.state, event.at_ms)


def _execution_ended(_batch: Batch, _step: Step, change: ExecutionChange, event: e.ExecutionEnded, _seq: int) -> None:
    change.state = event.state.value
    change.journal += _entry(event.state, event.at_ms)
    change.end_ms = event.at_ms
    if event.outputs_json:
        change.outputs = event.outputs_json.decode()
    if event.error:
        change.error = event.error


def _execution_settled(
    _batch: Batch, _step: Step, change: ExecutionChange, _event: e.ExecutionSettled, _seq: int
) -> None:
    change.settled = 1


def _execution_restarted(
    _batch: Batch, _step: Step, change: ExecutionChange, event: e.ExecutionRestarted, _seq: int
) -> None:
    change.state = "RESTARTED"
    change.journal += _entry("RESTARTED", event.at_ms)
    change.attempt = event.attempt
    change.revision = event.revision
    change.end_ms = 0
    change.settled = 0


def _retry_numbered(_batch: Batch, _step: Step, change: ExecutionChange, event: e.RetryNumbered, _seq: int) -> None:
    change.attempt = event.tries


def _execution_deleted(
    _batch: Batch, _step: Step, change: ExecutionChange, _event: e.ExecutionDeleted, _seq: int
) -> None:
    change.deleted = True


def _labels_updated(_batch: Batch, _step: Step, change: ExecutionChange, event: e.LabelsUpdated, _seq: int) -> None:
    change.labels = event.labels


def _variables_changed(
    _batch: Batch, _step: Step, change: ExecutionChange, event: e.VariablesChanged, _seq: int
) -> None:
    change.variables = event.variables_json.decode()


def _sla_violated(batch: Batch, step: Step, _change: ExecutionChange, event: e.SlaViolated, seq: int) -> None:
    """Show it as a line of the execution."""
    level = LEVELS["WARN" if event.behavior == "NONE" else "ERROR"]
    message = f"SLA {event.sla_id} is violated: {event.reason}"
    id = f"{step.id}/e{seq}/0"
    place = (step.namespace, step.flow, None, None, 0)
    batch.lines.append((step.id, id, event.at_ms, seq * 1000, *place, level, "engine", message))


def _task_run(change: ExecutionChange, id: str, seq: int) -> TaskRunChange:
    run = change.task_runs.get(id)
    if run is None:
        run = change.task_runs[id] = TaskRunChange(seq)
    run.seq = seq
    return run


def _scope_opened(_batch: Batch, _step: Step, change: ExecutionChange, event: e.ScopeOpened, seq: int) -> None:
    """Show what a flowable has chosen, as an If or a Switch does; its scope has the id of its task run."""
    if event.outputs_json:
        _task_run(change, event.scope_id, seq).outputs = event.outputs_json.decode()


def _turn_started(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TurnStarted, seq: int) -> None:
    """Show the outputs that a LoopUntil has so far; its scope has the id of its task run."""
    if event.outputs_json:
        _task_run(change, event.scope_id, seq).outputs = event.outputs_json.decode()


def _child_began(_batch: Batch, _step: Step, change: ExecutionChange, event: e.ChildBegan, seq: int) -> None:
    """Show which execution a task run waits for."""
    if event.outputs_json:
        _task_run(change, event.task_run_id, seq).outputs = event.outputs_json.decode()


def _task_run_created(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunCreated, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.born = (event.task_id, event.parent_id, event.value, event.iteration)
    run.state = event.state.value
    at = event.at_ms
    if event.state is State.CREATED:
        run.journal += f',["CREATED",{at}]'
    elif event.state is State.PAUSED:
        run.journal += f',["CREATED",{at}],["RUNNING",{at}],["PAUSED",{at}]'
    else:
        run.journal += f',["CREATED",{at}],["{event.state}",{at}]'


def _task_dispatched(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskDispatched, seq: int) -> None:
    if event.asks in WHILE_RUNNING:
        return
    run = _task_run(change, event.task_run_id, seq)
    run.state = "SUBMITTED"
    run.journal += f',["SUBMITTED",{event.at_ms}]'


def _task_run_started(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunStarted, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = "RUNNING"
    file = f',"{_plain(event.log_file)}"' if event.log_file else ""
    run.journal += f',["RUNNING",{event.at_ms},"{_plain(event.worker_id)}"{file}]'


def _plain(text: str) -> str:
    return text.replace("\\", "").replace('"', "")


def _task_run_resubmitted(
    batch: Batch, step: Step, change: ExecutionChange, event: e.TaskRunResubmitted, seq: int
) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = "RESUBMITTED"
    run.journal += f',["RESUBMITTED",{event.at_ms}]'
    if event.logs:
        _lines(batch, step, event, run.born[0] if run.born else None, seq)


def _task_run_retry_scheduled(
    batch: Batch, step: Step, change: ExecutionChange, event: e.TaskRunRetryScheduled, seq: int
) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = "RETRYING"
    run.journal += f',["RETRYING",{event.at_ms}]'
    if event.error:
        run.error = event.error
    if event.logs:
        _lines(batch, step, event, run.born[0] if run.born else None, seq)


def _task_run_paused(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunPaused, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = "PAUSED"
    run.journal += f',["PAUSED",{event.at_ms}]'


def _task_run_resumed(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunResumed, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = "RUNNING"
    run.journal += f',["RUNNING",{event.at_ms}]'
    if event.outputs_json:
        run.outputs = event.outputs_json.decode()


def _task_run_ended(batch: Batch, step: Step, change: ExecutionChange, event: e.TaskRunEnded, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = event.state.value
    run.journal += f',["{event.state}",{event.at_ms}]'
    if event.outputs_json:
        run.outputs = event.outputs_json.decode()
    if event.error:
        run.error = event.error
    if event.logs:
        _lines(batch, step, event, run.born[0] if run.born else None, seq)


def _task_run_decided(batch: Batch, step: Step, change: ExecutionChange, event: e.TaskRunDecided, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.born = (event.task_id, event.parent_id, event.value, event.iteration)
    run.state = event.state.value
    at = event.at_ms
    if event.state is State.SKIPPED:
        run.journal += f',["CREATED",{at}],["SKIPPED",{at}]'
    else:
        run.journal += f',["CREATED",{at}],["RUNNING",{at}],["{event.state}",{at}]'
    if event.error:
        run.error = event.error
    if event.outputs_json:
        run.outputs = event.outputs_json.decode()
    if event.logs:
        _lines(batch, step, event, event.task_id, seq)


def _task_run_carried(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunCarried, seq: int) -> None:
    """Show a task run with the history that it had in the execution that it comes from."""
    run = _task_run(change, event.task_run_id, seq)
    run.born = (event.task_id, event.parent_id, event.value, event.iteration)
    run.state = event.state.value
    for moment in event.history:
        run.journal += f',["{moment.state}",{moment.at_ms},"{_plain(moment.worker_id)}"]'
    if not event.top and not event.state.is_terminal:
        run.journal += _entry(event.state, event.at_ms)
    if event.outputs_json:
        run.outputs = event.outputs_json.decode()
    if event.error:
        run.error = event.error


def _task_run_reopened(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunReopened, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = "RESTARTED" if event.state is State.CREATED else event.state.value
    run.journal += f',["{run.state}",{event.at_ms}]'


def _task_run_restated(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunRestated, seq: int) -> None:
    run = _task_run(change, event.task_run_id, seq)
    run.state = event.state.value
    run.journal += _entry(event.state, event.at_ms)


def _task_run_removed(_batch: Batch, _step: Step, change: ExecutionChange, event: e.TaskRunRemoved, seq: int) -> None:
    """Take the run away; what is below it is found by `write.py`, where the views are at hand."""
    change.task_runs.pop(event.task_run_id, None)
    change.removed[event.task_run_id] = seq


def _lines(batch: Batch, step: Step, event: Any, task_id: str | None, seq: int) -> None:
    """Add the engine's own lines; their ids follow from the event, so folding again makes the same lines."""
    for index, line in enumerate(event.logs):
        id = f"{event.task_run_id}/e{seq}/{index}"
        batch.lines.append(
            (
                step.id,
                id,
                event.at_ms,
                seq * 1000 + index,
                step.namespace,
                step.flow,
                task_id,
                event.task_run_id,
                0,
                LEVELS.get(line.level, INFO),
                "engine",
                line.message,
            )
        )
        if task_id is None:
            batch.nameless.append((step.id, id))


FOLDS: dict[type, Fold] = {
    e.ExecutionCreated: _execution_created,
    e.ExecutionStateChanged: _execution_state_changed,
    e.ExecutionEnded: _execution_ended,
    e.ExecutionSettled: _execution_settled,
    e.ExecutionRestarted: _execution_restarted,
    e.ExecutionDeleted: _execution_deleted,
    e.LabelsUpdated: _labels_updated,
    e.VariablesChanged: _variables_changed,
    e.SlaViolated: _sla_violated,
    e.ScopeOpened: _scope_opened,
    e.TurnStarted: _turn_started,
    e.TaskRunCarried: _task_run_carried,
    e.ChildBegan: _child_began,
    e.RetryNumbered: _retry_numbered,
    e.TaskRunCreated: _task_run_created,
    e.TaskDispatched: _task_dispatched,
    e.TaskRunStarted: _task_run_started,
    e.TaskRunResubmitted: _task_run_resubmitted,
    e.TaskRunRetryScheduled: _task_run_retry_scheduled,
    e.TaskRunPaused: _task_run_paused,
    e.TaskRunResumed: _task_run_resumed,
    e.TaskRunEnded: _task_run_ended,
    e.TaskRunDecided: _task_run_decided,
    e.TaskRunReopened: _task_run_reopened,
    e.TaskRunRestated: _task_run_restated,
    e.TaskRunRemoved: _task_run_removed,
}

UNSEEN: frozenset[type] = frozenset(
    {
        CommandRejected,
        e.BatchesOpened,
        e.CallerCalled,
        e.CallerHeard,
        e.CallerNamed,
        e.ChildAsked,
        e.ChildFinished,
        e.ChildKillRequested,
        e.ExecutionRecalled,
        e.ExitRequested,
        e.IterationEnded,
        e.IterationStarted,
        e.ResultsCarried,
        e.ListenerFound,
        e.ListenerReached,
        e.StarterCalled,
        e.StarterHeard,
        e.StarterNamed,
        e.TriggerSwitchAsked,
        e.TriggerSwitchReached,
        e.ScopeClosed,
        e.ScopePhaseChanged,
        e.ScopeReentered,
        e.ScopeReopened,
        e.SlotForgotten,
        e.SlotObtained,
        e.SlotQueued,
        e.SlotRequested,
        e.SlotReturned,
        e.TaskRunKillRequested,
        e.TimerCleared,
        e.TimerSet,
        e.TurnEnded,
    }
)
"""Events that the views don't show, named so that a new event is not forgotten."""
