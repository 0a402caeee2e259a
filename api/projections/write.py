"""Writes a batch of changes and the positions behind it in one transaction.

Owns the order of the statements: what a later one reads or overwrites comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from api.projections import tables as t
from api.projections.batch import Batch, ExecutionChange, FlowChange
from api.projections.database import Connection
from api.projections.partitions import Partition
from engine.trigger.events import TriggerRemoved

FlowFacts = Callable[[str], "tuple[bool, str | None, Iterable[tuple[str, str]]]"]
"""Gives disabled, description and labels of a flow's source."""


NOTHING: dict[str, int] = {}


class Overtaken(Exception):
    """Another process moved a partition's position on: it owns the partition now, this batch doesn't count."""


def write_batch(
    connection: Connection,
    batch: Batch,
    partitions: Collection[Partition],
    facts: FlowFacts,
    before_commit: Callable[[], None] | None = None,
) -> None:
    """Apply a batch in one transaction.

    Args:
        connection: The writer.
        batch: What changes.
        partitions: Those that the batch read from; their positions move with it.
        facts: Reads a flow's source.
        before_commit: Called inside the transaction, at its end.

    Raises:
        Overtaken: If a position isn't where this process left it. Nothing was written.
    """
    connection.begin()
    try:
        for partition in partitions:
            _move(connection, partition)
        if batch.executions:
            _executions(connection, list(batch.executions.values()))
            _task_runs(connection, batch.executions.values())
        if batch.lines:
            connection.execute_many(t.INSERT_LOG_LINE, batch.lines)
            if batch.nameless:
                connection.execute_many(t.NAME_TASK_OF_LINES, batch.nameless)
        if batch.metrics:
            connection.execute_many(t.INSERT_METRIC, batch.metrics)
        gone = [(change.id,) for change in batch.executions.values() if change.deleted]
        for statement in t.DELETE_EXECUTION if gone else ():
            connection.execute_many(statement, gone)
        for key, change in batch.flows.items():
            _flow(connection, key, change, facts)
        for place, (seq, event) in batch.triggers.items():
            _trigger(connection, place, seq, event)
        if before_commit is not None:
            before_commit()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    for partition in partitions:
        partition.stored = partition.fold.offset


def _move(connection: Connection, partition: Partition) -> None:
    fold = partition.fold
    place = (fold.offset, fold.epoch, fold.owner, fold.next_n, int(partition.adopting))
    name = (partition.topic, partition.number)
    if partition.stored is None:
        moved = connection.execute(t.INSERT_POSITION, (*name, *place))
    else:
        moved = connection.execute(t.MOVE_POSITION, (*place, *name, partition.stored))
    if not moved:
        raise Overtaken(f"{partition.topic}/{partition.number} isn't at offset {partition.stored} any more")


def _executions(connection: Connection, changes: list[ExecutionChange]) -> None:
    born = [_new_execution(change) for change in changes if change.born is not None]
    if born:
        connection.execute_many(t.INSERT_EXECUTION, born)
    grown = [_changed_execution(change) for change in changes if change.born is None]
    if grown:
        connection.execute_many(t.UPDATE_EXECUTION, grown)
    relabelled = [change for change in changes if change.labels is not None]
    if relabelled:
        connection.execute_many(t.DELETE_EXECUTION_LABELS, [(c.id,) for c in relabelled if c.born is None])
        connection.execute_many(
            t.INSERT_EXECUTION_LABEL,
            [(c.id, key, value) for c in relabelled for key, value in (c.labels or {}).items()],
        )


def _new_execution(change: ExecutionChange) -> tuple[Any, ...]:
    event = change.born
    return (
        change.id,
        event.namespace,
        event.flow_id,
        event.revision if change.revision is None else change.revision,
        change.state,
        event.at_ms,
        change.end_ms or 0,
        event.kind,
        event.parent_id,
        event.original_id or change.id,
        event.schedule_ms,
        change.attempt or 1,
        change.settled or 0,
        change.error,
        event.inputs_json.decode() or "{}",
        change.outputs,
        change.variables or event.variables_json.decode() or "{}",
        _json(change.labels or {}),
        event.trigger_json.decode() or None,
        change.journal,
        change.seq,
        int(change.variables is not None),
    )


def _changed_execution(change: ExecutionChange) -> tuple[Any, ...]:
    return (
        change.seq,
        change.state,
        change.journal,
        change.end_ms is not None,
        change.end_ms or 0,
        change.revision,
        change.attempt,
        change.settled,
        change.error,
        change.outputs,
        None if change.labels is None else _json(change.labels),
        change.variables,
        None if change.variables is None else 1,
        change.id,
        change.since,
    )


def _task_runs(connection: Connection, changes: Iterable[ExecutionChange]) -> None:
    removed: list[tuple[Any, ...]] = []
    born: list[tuple[Any, ...]] = []
    grown: list[tuple[Any, ...]] = []
    for change in changes:
        execution_id = change.id
        gone = _with_all_below(connection, change) if change.removed else NOTHING
        removed += [(execution_id, id, seq) for id, seq in gone.items()]
        for id, run in change.task_runs.items():
            if run.born is not None:
                if gone and run.since < gone.get(run.born[1], -1):
                    gone[id] = gone[run.born[1]]
                    continue
                born.append(
                    (execution_id, id, run.since, run.seq, *run.born, run.state, run.journal, run.outputs, run.error)
                )
            else:
                grown.append((run.seq, run.state, run.journal, run.outputs, run.error, execution_id, id, run.since))
    if removed:
        connection.execute_many(t.DELETE_TASK_RUN, removed)
    if born:
        connection.execute_many(t.INSERT_TASK_RUN, born)
    if grown:
        connection.execute_many(t.UPDATE_TASK_RUN, grown)


def _with_all_below(connection: Connection, change: ExecutionChange) -> dict[str, int]:
    """Return the number of the removing event for each removed task run and all that the views have below it."""
    children: dict[str, list[str]] = {}
    for id, parent_id in connection.query(t.READ_PARENTS, (change.id,)):
        children.setdefault(parent_id, []).append(id)
    found: dict[str, int] = {}
    for removed, seq in change.removed.items():
        open_ids = [removed]
        while open_ids:
            id = open_ids.pop()
            found[id] = max(seq, found.get(id, seq))
            open_ids += children.get(id, ())
    return found


def _flow(connection: Connection, key: tuple[str, str], change: FlowChange, facts: FlowFacts) -> None:
    for _, saved in change.saved:
        connection.execute(t.INSERT_REVISION, (*key, saved.revision, saved.source, saved.at_ms))
    if change.saved:
        seq, latest = change.saved[-1]
        disabled, description, labels = facts(latest.source)
        connection.execute(
            t.INSERT_FLOW, (*key, latest.revision, latest.source, latest.at_ms, int(disabled), description, seq)
        )
        connection.execute(t.DELETE_FLOW_LABELS, key)
        connection.execute_many(t.INSERT_FLOW_LABEL, [(*key, name, value) for name, value in labels])
    if change.deleted is not None:
        seq, deleted = change.deleted
        connection.execute(t.DELETE_FLOW, (deleted.at_ms, seq, *key, seq))


def _trigger(connection: Connection, place: tuple[str, str, str], seq: int, event: Any) -> None:
    if isinstance(event, TriggerRemoved):
        connection.execute(t.DELETE_TRIGGER, (*place, seq))
        return
    backfill = None
    if event.backfill is not None:
        told = msgspec.structs.asdict(event.backfill)
        backfill = _json({**told, "inputs_json": None, "inputs": msgspec.Raw(event.backfill.inputs_json)})
    values = (event.at_ms, event.next_ms, event.last_ms, event.execution_id, int(event.disabled), backfill, seq)
    connection.execute(t.PUT_TRIGGER, (*place, *values))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
