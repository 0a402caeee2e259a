"""Snapshots: rows on a compacted topic, so that a new owner without local files needn't fold the whole log.

Owns what is written at a barrier and how a partition is restored. Every key begins with the epoch of its owner: a
zombie's late rows, deletions and barriers can't mix with those of its successor. The first snapshot of an ownership is
whole, the next ones hold what changed. Rows before a barrier are exactly the log at the barrier's offset; rows after
it belong to a snapshot that wasn't finished and are left out (on Kafka the topic keeps superseded rows for a day,
`topics.catalog.COMPACTION_LAG_MS`, so the rows of the last barrier are still there beside an unfinished one).

An execution that ended well leaves its header and its event count only: its id must be remembered for as long as a
request may be repeated. One that was born and ended between two barriers costs those two records.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from engine.execution.state import HEADER, Header
from engine.machine import SEQUENCE, Row, Rows
from executor.state.rows import PartitionRows, Position
from topics import catalog
from topics.messages import SnapshotBarrier, SnapshotRow
from topics.ports import Ack, Log, Record, Writer
from topics.ranges import read_range
from topics.serde import decode, encode

KEPT = frozenset({HEADER, SEQUENCE})
"""Rows of an execution that ended well: it may still be asked for, and its labels changed."""
EVERY_MS = 60_000
BARRIER_KEY = b"\0barrier"

logger = logging.getLogger(__name__)


class Snapshots:
    """Snapshots of one partition that is owned.

    Args:
        log: Where earlier snapshots are, to be swept away.
        writer: The process's writer.
        rows: The partition's rows.
        topic: Its snapshot topic.
        partition: Its number.
        waits: Tells whether something of an execution that has ended waits for an answer: its rows stay then.
    """

    def __init__(
        self,
        log: Log,
        writer: Writer,
        rows: PartitionRows,
        topic: str,
        partition: int,
        waits: Callable[[Rows], bool],
    ) -> None:
        self._log = log
        self._writer = writer
        self._rows = rows
        self._topic = topic
        self._partition = partition
        self._waits = waits
        self._changed: dict[tuple[str, str], None] = {}
        self._taken: dict[tuple[str, str], None] = {}
        """What the snapshot that is being written holds."""
        self._whole = True
        """The next snapshot is the first of this ownership: every row belongs to it."""
        self._sweeping = False
        self._waiting = 0
        self._failed = False
        self._position: Position | None = None
        self._live: set[str] = set()
        """Aggregates of which this ownership's snapshots hold more than what is kept of ended ones."""
        self._gone: set[str] = set()
        """Those that end with the snapshot that is being written."""
        self.due_ms = 0
        """When the next snapshot is due."""

    def start(self, now_ms: int) -> None:
        """Begin to note changes, as a new owner."""
        self._changed.clear()
        self._whole = True
        self._sweeping = False
        self._waiting = 0
        self._position = None
        self._live.clear()
        self.due_ms = now_ms + EVERY_MS

    def note(self, aggregate_id: str, keys: Iterable[str]) -> None:
        """Rows of an aggregate were written."""
        if not self._whole:
            for key in keys:
                self._changed[(aggregate_id, key)] = None

    def write(self, position: Position, now_ms: int) -> None:
        """Write what belongs to this snapshot; its barrier follows when all of it is acknowledged."""
        if self._position is not None:
            return
        self.due_ms = now_ms + EVERY_MS
        if self._whole:
            changed = {_split(full_key): None for full_key, _value in self._rows.stored()}
        else:
            changed, self._changed = self._changed, {}
        if not changed:
            return
        whole, self._whole = self._whole, False  # from here on changes belong to the next one
        self._sweeping = self._sweeping or whole
        self._taken = changed
        self._failed = False
        self._position = position
        ended: dict[str, bool] = {}
        for aggregate_id, key in changed:
            if aggregate_id not in ended:
                ended[aggregate_id] = self._ended_well(aggregate_id)
                if not ended[aggregate_id]:
                    self._live.add(aggregate_id)
                elif aggregate_id in self._live:
                    self._forget(aggregate_id)
            full_key = f"{aggregate_id}\0{key}".encode()
            if not ended[aggregate_id] or key in KEPT:
                value = self._rows.encoded(full_key)
                self._put(full_key, b"" if value is None else encode(SnapshotRow(key=full_key, value=value)))
            elif aggregate_id in self._live:
                self._put(full_key, b"")
        self._gone = {aggregate_id for aggregate_id, well in ended.items() if well}
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
            # What it has written lies there without a barrier: the next one writes, or deletes, all of it again.
            self._changed = {**self._taken, **self._changed}
            logger.warning("%s/%d: a snapshot has no barrier, a row's fate is unknown", self._topic, self._partition)
            return
        self._live -= self._gone
        barrier = SnapshotBarrier(
            offset=position.offset,
            epoch=position.epoch,
            n=position.next_n,
            hash=position.hash,
            cause_offset=position.inbox,
            owner=position.owner,
        )
        key = _epoch_key(position.epoch, BARRIER_KEY)
        self._writer.append(self._topic, self._partition, key, encode(barrier), durable=False)
        if self._sweeping:
            self._sweeping = False
            self._sweep(position.epoch)

    def _sweep(self, epoch: int) -> None:
        """Delete what earlier owners left: this owner's own snapshot is whole now."""
        old = {record.key: bool(record.value) for record in _read(self._log, self._topic, self._partition)}
        for key, is_there in old.items():
            if is_there and int.from_bytes(key[:8], "big") < epoch:
                self._writer.append(self._topic, self._partition, key, b"", durable=False)

    def _ended_well(self, aggregate_id: str) -> bool:
        rows = self._rows.of(aggregate_id)
        header = rows.get(HEADER)
        return is_bare(header) and not self._waits(rows)

    def _forget(self, aggregate_id: str) -> None:
        """Delete rows of an ended execution that an earlier snapshot may hold."""
        for key, _row in list(self._rows.of(aggregate_id).scan("")):
            if key not in KEPT:
                self._put(f"{aggregate_id}\0{key}".encode(), b"")

    def _put(self, full_key: bytes, value: bytes) -> None:
        assert self._position is not None
        self._waiting += 1
        key = _epoch_key(self._position.epoch, full_key)
        context = (self, self._position)
        self._writer.append(self._topic, self._partition, key, value, durable=False, context=context)


def is_bare(header: Row | None) -> bool:
    """Tell whether an execution ended well, so that no more of it is needed than is `KEPT`."""
    return isinstance(header, Header) and header.settled and header.bare


def restore(log: Log, kind: str, partition: int, rows: PartitionRows) -> bool:
    """Load a partition's rows as of the last barrier of its last owner.

    Args:
        log: The log.
        kind: Kind of aggregate.
        partition: Which partition; its stored rows must be empty.
        rows: Where to.

    Returns:
        False if there is no barrier: fold from the beginning of the log.
    """
    barriers: dict[int, SnapshotBarrier] = {}
    settled: dict[int, dict[bytes, bytes | None]] = {}
    unsettled: dict[int, dict[bytes, bytes | None]] = {}
    for record in _read(log, catalog.snapshots_of(kind), partition):
        epoch, key = int.from_bytes(record.key[:8], "big"), record.key[8:]
        value = decode(record.value) if record.value else None
        if key != BARRIER_KEY:
            unsettled.setdefault(epoch, {})[key] = value.value if value is not None else None
        elif value is not None:
            barriers[epoch] = value
            settled.setdefault(epoch, {}).update(unsettled.pop(epoch, {}))
    if not barriers:
        return False
    barrier = barriers[max(barriers)]
    position = Position(barrier.offset, barrier.epoch, barrier.owner, barrier.n, barrier.cause_offset, barrier.hash)
    found = settled[max(barriers)]
    rows.restore({key: value for key, value in found.items() if value is not None}, position)
    logger.info("%s/%d: %d rows restored as of offset %d", kind, partition, len(found), barrier.offset)
    return True


def _epoch_key(epoch: int, key: bytes) -> bytes:
    return epoch.to_bytes(8, "big") + key


def _split(full_key: bytes) -> tuple[str, str]:
    aggregate_id, _nul, key = full_key.decode().partition("\0")
    return aggregate_id, key


def _read(log: Log, topic: str, partition: int) -> Iterator[Record]:
    """Yield everything that is on a snapshot topic now."""
    begin, end = log.begin_offset(topic, partition), log.end_offset(topic, partition)
    return read_range(log, topic, partition, begin, end)
