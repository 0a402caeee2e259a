"""How events of the execution as a whole change its rows."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.carried import CarriedRun
from engine.execution.state import (
    ENDING,
    HEADER,
    INPUTS,
    ROW_TYPES,
    Carried,
    Ending,
    Header,
    Inputs,
    carried_key,
    timer_key,
)
from engine.machine import Changes, Rows, Timer
from engine.values import UNDONE, State


def execution_created(_rows: Rows, event: e.ExecutionCreated) -> Changes:
    """Begin the header and keep what templates read."""
    yield (
        HEADER,
        Header(
            namespace=event.namespace,
            flow_id=event.flow_id,
            revision=event.revision,
            state=State.CREATED,
            created_ms=event.at_ms,
            original_id=event.original_id,
            parent_id=event.parent_id,
            kind=event.kind,
            labels=event.labels,
            sources=event.sources,
        ),
    )
    yield (
        INPUTS,
        Inputs(inputs_json=event.inputs_json, variables_json=event.variables_json, trigger_json=event.trigger_json),
    )


def execution_state_changed(rows: Rows, event: e.ExecutionStateChanged) -> Changes:
    """Take the state over."""
    yield HEADER, replace(rows.get(HEADER), state=event.state, held=event.held)


def execution_ended(rows: Rows, event: e.ExecutionEnded) -> Changes:
    """Take the final state over."""
    yield HEADER, replace(rows.get(HEADER), state=event.state, ended_ms=event.at_ms, held=False)
    if event.outputs_json:
        yield ENDING, Ending(outputs_json=event.outputs_json)


def execution_settled(rows: Rows, _event: e.ExecutionSettled) -> Changes:
    """Remember that nothing is left to do."""
    header: Header = rows.get(HEADER)
    yield HEADER, replace(header, settled=True, bare=header.state not in UNDONE)


def execution_recalled(rows: Rows, event: e.ExecutionRecalled) -> Changes:
    """Take the rows over, as they were."""
    for key, row in sorted(event.rows.items()):
        yield key, msgspec.msgpack.decode(row, type=ROW_TYPES[key[0]])
    yield HEADER, replace(rows.get(HEADER), bare=False)


def execution_restarted(rows: Rows, event: e.ExecutionRestarted) -> Changes:
    """Open the execution again."""
    yield (
        HEADER,
        replace(
            rows.get(HEADER),
            state=State.RESTARTED,
            attempt=event.attempt,
            revision=event.revision,
            restated=event.around,
            settled=False,
            exiting=None,
            ended_ms=0,
        ),
    )
    yield ENDING, None


def execution_deleted(rows: Rows, _event: e.ExecutionDeleted) -> Changes:
    """Remember that it is gone."""
    yield HEADER, replace(rows.get(HEADER), deleted=True)


def labels_updated(rows: Rows, event: e.LabelsUpdated) -> Changes:
    """Take the labels over."""
    yield HEADER, replace(rows.get(HEADER), labels=event.labels)


def variables_changed(rows: Rows, event: e.VariablesChanged) -> Changes:
    """Take the variables over."""
    yield INPUTS, replace(rows.get(INPUTS), variables_json=event.variables_json, whole=True)


def exit_requested(rows: Rows, event: e.ExitRequested) -> Changes:
    """Remember how the execution is to end."""
    yield HEADER, replace(rows.get(HEADER), exiting=event.state)


def results_carried(rows: Rows, event: e.ResultsCarried) -> Changes:
    """Keep each task run until its place is reached, with what it brings along."""
    below: defaultdict[str, list[CarriedRun]] = defaultdict(list)
    for run in event.runs:
        if run.top:
            below[run.top].append(run)
    for run in event.runs:
        if not run.top:
            yield carried_key(run.id), Carried(run=run, below=tuple(below[run.id]))
    yield HEADER, replace(rows.get(HEADER), carries=True)


def sla_violated(rows: Rows, event: e.SlaViolated) -> Changes:
    """Remember that it was."""
    header: Header = rows.get(HEADER)
    yield HEADER, replace(header, violated=(*header.violated, event.once))


def timer_set(_rows: Rows, event: e.TimerSet) -> Changes:
    """Set the timer, instead of an earlier one of the same id."""
    yield timer_key(event.timer_id), Timer(due_ms=event.due_ms)


def timer_cleared(_rows: Rows, event: e.TimerCleared) -> Changes:
    """Take the timer away."""
    yield timer_key(event.timer_id), None
