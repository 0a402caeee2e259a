"""I5, I6, I11: what executors have on disk is the fold of the log, from its beginning and from a snapshot."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from engine.execution.draft import Setting
from engine.execution.state import Header
from engine.execution.step import EXECUTIONS
from engine.machine import Aggregate
from engine.slots.step import SLOTS
from engine.trigger.step import TRIGGERS
from executor.effects import Effects
from executor.partition import Partition, Phase, Ports
from executor.processor import Processor
from executor.state.memory import MemoryStore
from executor.state.rows import PartitionRows
from executor.state.snapshot import KEPT, is_bare, restore
from tests.simulation.observer import Violation
from tests.simulation.world import PARTITIONS, World
from topics import catalog


def check(world: World) -> None:
    """Compare the rows of every owner with two fresh folds.

    Raises:
        Violation: If they differ; `HashMismatch` comes out of the fold itself.
    """
    for aggregate in (EXECUTIONS, SLOTS, TRIGGERS):
        for number in range(PARTITIONS):
            _check(world, aggregate, number)


def _check(world: World, aggregate: Aggregate, number: int) -> None:
    name = f"{aggregate.kind}/{number}"
    whole = _fold(world, aggregate, number, snapshots=False)
    for process in world.executors:
        executor = process.executor
        partition = executor and executor.partitions.get((catalog.inbox_of(aggregate.kind), number))
        if partition is not None:
            _compare(f"I5: rows of {name} at {process.member}", partition.rows, whole)
            if partition.phase is Phase.OWNED and (partition.in_flight or len(partition.requests)):
                raise Violation(
                    f"I11: {partition.in_flight} steps and {len(partition.requests)} requests of {name} stay open"
                )
    restored = _fold(world, aggregate, number, snapshots=True)
    if restored is not None:
        _compare(f"I6: snapshot and tail of {name}", restored, whole)


def _fold(world: World, aggregate: Aggregate, number: int, *, snapshots: bool) -> PartitionRows | None:
    log: Any = world.log
    writer = log.writer(member="judge")
    tail = log.reader(member="judge")
    store = MemoryStore()
    ports = Ports(log, writer, tail, Effects(log, writer), store, lambda: world.now_ms, count(1))
    partition = Partition(Processor(aggregate, lambda *_: None, Setting(flow=None)), number, ports, "judge")
    if snapshots:
        if not restore(log, aggregate.kind, number, partition.rows):
            return None
        partition.reset()
    else:
        _from_the_beginning(partition)
    end = log.end_offset(catalog.events_of(aggregate.kind), number)
    while True:
        records = [r for r in tail.poll(1000, 0) if r.offset < end]
        if not records:
            return partition.rows
        partition.folded(records)


def _from_the_beginning(partition: Partition) -> None:
    partition._restore = lambda position, _begin: position  # type: ignore[method-assign]
    partition.reset()


def _rows(rows: PartitionRows | None) -> list[tuple[bytes, bytes]]:
    assert rows is not None
    return list(rows.stored())


def _compare(what: str, found: PartitionRows, expected: PartitionRows | None) -> None:
    """Compare all rows; of an execution that ended well only those that a snapshot keeps."""
    left, right = dict(_rows(found)), dict(_rows(expected))
    ended = {key.split(b"\0")[0] for key, value in right.items() if key.endswith(b"\0h") and _ended_well(value)}
    for rows in (left, right):
        for key in list(rows):
            execution, _nul, row_key = key.partition(b"\0")
            if execution in ended and row_key.decode() not in KEPT:
                del rows[key]
    if left != right:
        odd = sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))
        values = [(left.get(key), right.get(key)) for key in odd[:2]]
        raise Violation(f"{what} differ at {odd[:3]}: {values}")


def _ended_well(data: bytes) -> bool:
    try:
        header = msgspec.msgpack.decode(data, type=Header)
    except msgspec.ValidationError:
        return False  # of another kind of aggregate
    return is_bare(header)
