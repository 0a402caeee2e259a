"""Snapshots: rows on a compacted topic, so that a new owner without local files needn't fold the whole log.

Owns what is written at a barrier and how a partition is restored. All rows before a barrier are exactly the log at the
barrier's offset; rows after the last barrier belong to a snapshot that wasn't finished and are left out. The topic
keeps superseded rows for a day (`min.compaction.lag.ms`), so the rows of the last barrier are still there beside an
unfinished one.

An execution that ended well leaves its header only (its id must be remembered for as long as a request may be
repeated); one that was born and ended between two barriers costs that one record.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from engine.execution.state import HEADER, Header
from engine.values import State
from executor.state.rows import PartitionRows, Position
from topics import catalog
from topics.messages import SnapshotBarrier, SnapshotRow
from topics.ports import Ack, Log, Record, Writer
from topics.serde import decode, encode

EVERY_MS = 60_000
BARRIER_KEY = b"\0barrier"
POLLS_IDLE_MAX = 200

logger = logging.getLogger(__name__)


class Snapshots:
    """Snapshots of one partition that is owned.

    Args:
        writer: The process's writer.
        rows: The partition's rows.
        topic: Its snapshot topic.
        partition: Its number.
    """

    def __init__(self, writer: Writer, rows: PartitionRows, topic: str, partition: int) -> None:
        self._writer = writer
        self._rows = rows
        self._topic = topic
        self._partition = partition
        self._changed: dict[tuple[str, str], None] = {}
        self._waiting = 0
        self._failed = False
        self._position: Position | None = None
        self._barrier_ms = 0
        self.due_ms = 0
        """When the next snapshot is due."""

    def start(self, now_ms: int) -> None:
        """Begin to note changes; what came before is in the last barrier or still in the log."""
        self._changed.clear()
        self._waiting = 0
        self._position = None
        self._barrier_ms = 0
        self.due_ms = now_ms + EVERY_MS

    def note(self, aggregate_id: str, keys: Iterator[str]) -> None:
        """Rows of an aggregate were written."""
        for key in keys:
            self._changed[(aggregate_id, key)] = None

    def write(self, position: Position, now_ms: int) -> None:
        """Write the rows that changed since the last barrier; the barrier follows when all are acknowledged."""
        if self._waiting or self._position is not None:
            return
        changed, self._changed = self._changed, {}
        self.due_ms = now_ms + EVERY_MS
        if not changed:
            return
        self._failed = False
        self._position = position
        ended: dict[str, bool] = {}
        for aggregate_id, key in changed:
            if aggregate_id not in ended:
                ended[aggregate_id] = self._ended_well(aggregate_id)
                if ended[aggregate_id]:
                    self._forget(aggregate_id)
            if not ended[aggregate_id] or key == HEADER:
                self._append(aggregate_id, key)
        self._finish(now_ms)

    def acknowledged(self, ack: Ack, now_ms: int) -> None:
        """Take the acknowledgement of a row in."""
        if ack.context[1] is not self._position:
            return
        self._waiting -= 1
        self._failed = self._failed or ack.offset is None
        self._finish(now_ms)

    def _finish(self, now_ms: int) -> None:
        position = self._position
        if self._waiting or position is None:
            return
        self._position = None
        if self._failed:
            logger.warning(
                "a snapshot of %s/%d stays without barrier: a row's fate is unknown", self._topic, self._partition
            )
            return
        barrier = SnapshotBarrier(
            offset=position.offset,
            epoch=position.epoch,
            n=position.next_n,
            hash=position.hash,
            cause_offset=position.inbox,
            owner=position.owner,
        )
        self._barrier_ms = now_ms
        self._writer.append(self._topic, self._partition, BARRIER_KEY, encode(barrier), durable=False)

    def _ended_well(self, aggregate_id: str) -> bool:
        header = self._rows.of(aggregate_id).get(HEADER)
        return isinstance(header, Header) and header.settled and header.state in (State.SUCCESS, State.WARNING)

    def _forget(self, aggregate_id: str) -> None:
        """Delete rows of an ended execution that an earlier snapshot may hold."""
        rows = self._rows.of(aggregate_id)
        if rows.get(HEADER).created_ms >= self._barrier_ms:
            return
        for key, _row in list(rows.scan("")):
            if key != HEADER:
                self._put(aggregate_id, key, b"")

    def _append(self, aggregate_id: str, key: str) -> None:
        full_key = f"{aggregate_id}\0{key}".encode()
        value = self._rows.encoded(full_key)
        self._put(aggregate_id, key, b"" if value is None else encode(SnapshotRow(key=full_key, value=value)))

    def _put(self, aggregate_id: str, key: str, value: bytes) -> None:
        self._waiting += 1
        full_key = f"{aggregate_id}\0{key}".encode()
        context = (self, self._position)
        self._writer.append(self._topic, self._partition, full_key, value, durable=False, context=context)


def restore(log: Log, kind: str, partition: int, rows: PartitionRows) -> bool:
    """Load a partition's rows as of its last barrier.

    Args:
        log: The log.
        kind: Kind of aggregate.
        partition: Which partition; its stored rows must be empty.
        rows: Where to.

    Returns:
        False if there is no barrier: fold from the beginning of the log.
    """
    barrier: SnapshotBarrier | None = None
    settled: dict[bytes, bytes | None] = {}
    open_rows: dict[bytes, bytes | None] = {}
    for record in _read(log, catalog.snapshots_of(kind), partition):
        if record.key == BARRIER_KEY:
            barrier = decode(record.value)
            settled.update(open_rows)
            open_rows.clear()
        else:
            open_rows[record.key] = decode(record.value).value if record.value else None
    if barrier is None:
        return False
    position = Position(barrier.offset, barrier.epoch, barrier.owner, barrier.n, barrier.cause_offset, barrier.hash)
    rows.restore({key: value for key, value in settled.items() if value is not None}, position)
    logger.info("%s/%d: %d rows restored as of offset %d", kind, partition, len(settled), barrier.offset)
    return True


def _read(log: Log, topic: str, partition: int) -> Iterator[Record]:
    reader = log.reader()
    try:
        offset = log.begin_offset(topic, partition)
        end = log.end_offset(topic, partition)
        reader.add(topic, partition, offset)
        idle = 0
        while offset < end and idle < POLLS_IDLE_MAX:
            records = reader.poll(1000, 0.05)
            idle = 0 if records else idle + 1
            for record in records:
                offset = record.offset + 1
                yield record
    finally:
        reader.close()
