"""The rows of one partition: what is on disk, and over it what was decided and isn't acknowledged yet.

Owns the layout of keys in the store, the overlay, and the encoding of rows. Indexes (timers by due time, attempts that
wait for a worker) are derived from rows here, so that they can't disagree with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
import msgspec.inspect

from engine.machine import Aggregate, Row
from executor.state.ports import Store

CACHED_ROWS_MAX = 20_000
"""Decoded rows kept after they were written: some 20 MB; an execution's next command finds its rows here."""
AGGREGATE_ROWS_MAX = 4_000
"""Of one aggregate: a loop of 100,000 items passes through, it doesn't stay."""

_encoder = msgspec.msgpack.Encoder()

INDEXES = 2
"""Version of the index entries that rows have: they are part of the running hash."""
FIRST_ROW = "h"
"""Key of the row that every aggregate has from its first event on: without it, it has no row at all."""
LEFT_TO_THE_STORE = "ok"
"""First letters of keys that aren't kept in memory once they are written: a loop leaves an output row an item, and what
is carried from another execution waits there for its turn."""
IndexKeys = Callable[[str, str, Row], "tuple[bytes, ...]"]
"""Index keys that a row has: (aggregate id, row key, row) -> keys below the partition's index family."""


class Position(msgspec.Struct, array_like=True):
    """How far the rows are: written together with them."""

    offset: int = 0
    """Next offset of the step log."""
    epoch: int = 0
    owner: str = ""
    next_n: int = 0
    inbox: int = 0
    """Next offset of the inbox."""
    hash: bytes = b""
    """Running hash of the steps folded so far."""


class Changed(msgspec.Struct):
    """What one step changes in the store, encoded."""

    aggregate: AggregateRows
    rows: Mapping[str, Row | None]
    """By key, as the engine changed them."""
    writes: dict[bytes, bytes | None]
    """Rows and index entries for the store."""


class AggregateRows:
    """The rows of one aggregate as the engine reads them (`engine.machine.Rows`): decided ones over stored ones."""

    __slots__ = ("_decided", "_known", "_partition", "_whole", "id", "prefix")

    def __init__(self, partition: PartitionRows, aggregate_id: str, prefix: bytes) -> None:
        self.id = aggregate_id
        self.prefix = prefix
        """Of its rows' keys in the store."""
        self._partition = partition
        self._known: dict[str, Row | None] = {}
        self._decided: dict[str, Row | None] = {}
        """Changed and not written yet; a part of what is known."""
        self._whole = False
        """True if everything the store has of it, but for outputs, is known: it was born in this process, and nothing
        was let go."""

    def get(self, key: str) -> Any:
        """Return the row, None if there is none."""
        known = self._known
        if key in known:
            return known[key]
        if self._whole and key[0] not in LEFT_TO_THE_STORE:
            return None
        row = self._partition.load(self.prefix, key)
        if key[0] not in LEFT_TO_THE_STORE:
            known[key] = row
        if row is None and key == FIRST_ROW:
            self._whole = True
        return row

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield (key, row) by prefix, in order."""
        if self._whole and prefix and prefix[0] not in LEFT_TO_THE_STORE:
            rows = ((key, row) for key, row in self._known.items() if row is not None and key.startswith(prefix))
            yield from sorted(rows)
            return
        decided = {key: row for key, row in self._decided.items() if key.startswith(prefix)}
        stored = self._partition.load_all(self.prefix, prefix)
        if not decided:
            yield from stored
            return
        merged: dict[str, Row | None] = dict(stored)
        merged.update(decided)
        yield from ((key, row) for key, row in sorted(merged.items()) if row is not None)

    def change(self, changed: Mapping[str, Row | None]) -> Changed:
        """Put a decided (or folded) step's rows over the store, and return what is to be written when it counts."""
        writes: dict[bytes, bytes | None] = {}
        index, indexed = self._partition.index_changes, self._partition.indexed
        for key, row in changed.items():
            if key[0] in indexed:
                writes.update(index(self.id, key, self.get(key), row))
            writes[self.prefix + key.encode()] = None if row is None else _encoder.encode(row)
        self._known.update(changed)
        self._decided.update(changed)
        return Changed(self, changed, writes)

    def written(self, rows: Mapping[str, Row | None]) -> None:
        """Note that changed rows are in the store now."""
        decided, known = self._decided, self._known
        for key, row in rows.items():
            if decided.get(key, _NOTHING) is row:
                del decided[key]
                if key[0] in LEFT_TO_THE_STORE or (row is None and self._whole):
                    known.pop(key, None)
        if len(self._known) > AGGREGATE_ROWS_MAX:
            self._known = dict(decided)
            self._whole = False

    @property
    def idle(self) -> bool:
        """True if nothing of it waits to be written."""
        return not self._decided

    def __len__(self) -> int:
        return len(self._known)


def _layout(aggregate: Aggregate) -> bytes:
    shapes = sorted((letter, repr(msgspec.inspect.type_info(row))) for letter, row in aggregate.row_types.items())
    return blake2b(repr((INDEXES, shapes)).encode(), digest_size=4).digest()


class PartitionRows:
    """Rows of the aggregates of one partition.

    Args:
        store: Where they are kept; shared by the partitions of a process.
        aggregate: Whose rows.
        partition: Number of the partition.
        index_keys: Which index entries a row has; only timers and rows that may wait for something are asked.
    """

    def __init__(self, store: Store, aggregate: Aggregate, partition: int, index_keys: IndexKeys) -> None:
        self._store = store
        self._prefix = aggregate.kind.encode() + b"/" + partition.to_bytes(2, "big")
        self._index_keys = index_keys
        self.indexed = frozenset({FIRST_ROW, "m", *aggregate.outstanding})
        """First letters of the keys whose rows have index entries."""
        self.layout = _layout(aggregate)
        """Names the shape of the rows: two versions of which one has other fields encode the same row differently."""
        self._decoders = {letter: msgspec.msgpack.Decoder(row_type) for letter, row_type in aggregate.row_types.items()}
        self._aggregates: dict[str, AggregateRows] = {}
        self._cached = 0

    def of(self, aggregate_id: str) -> AggregateRows:
        """Return the rows of one aggregate."""
        rows = self._aggregates.get(aggregate_id)
        if rows is None:
            prefix = self._prefix + b"r" + aggregate_id.encode() + b"\0"
            rows = self._aggregates[aggregate_id] = AggregateRows(self, aggregate_id, prefix)
        return rows

    def load(self, prefix: bytes, key: str) -> Row | None:
        """Return a stored row."""
        data = self._store.get(prefix + key.encode())
        return None if data is None else self._decode(key, data)

    def load_all(self, prefix: bytes, keys: str) -> Iterator[tuple[str, Row]]:
        """Yield stored (key, row) of an aggregate whose keys begin with `keys`, in order."""
        begin = prefix + keys.encode()
        for stored, data in self._store.scan(begin, _after(begin)):
            key = stored[len(prefix) :].decode()
            yield key, self._decode(key, data)

    def index_changes(self, aggregate_id: str, key: str, old: Row | None, new: Row | None) -> dict[bytes, bytes | None]:
        """Return the index entries that a changed row takes away and brings."""
        before = self._index_keys(aggregate_id, key, old) if old is not None else ()
        after = self._index_keys(aggregate_id, key, new) if new is not None else ()
        if before == after:
            return {}
        changes: dict[bytes, bytes | None] = {self._index(entry): None for entry in before}
        changes.update((self._index(entry), b"") for entry in after)
        return changes

    def write(self, steps: list[Changed], position: Position) -> None:
        """Write acknowledged steps and how far the log is folded, atomically."""
        writes: dict[bytes, bytes | None] = {}
        for changed in steps:
            writes.update(changed.writes)
        writes[self._prefix + b"p"] = _encoder.encode(position)
        self._store.write(writes)
        for changed in steps:
            changed.aggregate.written(changed.rows)
            self._cached += len(changed.rows)
        if self._cached > CACHED_ROWS_MAX:
            self._let_go()

    def position(self) -> Position:
        """Return how far the stored rows are."""
        data = self._store.get(self._prefix + b"p")
        return Position() if data is None else msgspec.msgpack.decode(data, type=Position)

    def forget_decided(self) -> None:
        """Drop everything that isn't in the store."""
        self._aggregates.clear()
        self._cached = 0

    def index(self, start: bytes, end: bytes) -> Iterator[bytes]:
        """Yield stored index keys with start <= key < end, in order."""
        cut = len(self._prefix) + 1
        for key, _value in self._store.scan(self._index(start), self._index(end)):
            yield key[cut:]

    def stored(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every stored row as (`<aggregate id>NUL<key>`, encoded row)."""
        begin = self._prefix + b"r"
        for key, value in self._store.scan(begin, _after(begin)):
            yield key[len(begin) :], value

    def encoded(self, full_key: bytes) -> bytes | None:
        """Return a stored row as it is encoded."""
        return self._store.get(self._prefix + b"r" + full_key)

    def restore(self, rows: Mapping[bytes, bytes | None], position: Position | None) -> None:
        """Write rows of a snapshot, with their index entries."""
        writes: dict[bytes, bytes | None] = {}
        for full_key, value in rows.items():
            writes[self._prefix + b"r" + full_key] = value
            aggregate_id, _nul, key = full_key.decode().partition("\0")
            if value is not None and key[0] in self.indexed:
                writes.update(self.index_changes(aggregate_id, key, None, self._decode(key, value)))
        if position is not None:
            writes[self._prefix + b"p"] = _encoder.encode(position)
        self._store.write(writes)

    def forget(self, aggregate_id: str, kept: Collection[str], most: int, entry: bytes) -> int:
        """Delete the stored rows of an aggregate but for those under the `kept` keys, at most `most`.

        Args:
            aggregate_id: Which; none of its rows may wait to be written.
            kept: Keys of the rows that stay.
            most: Rows to delete at most.
            entry: Index key that is deleted with the last of them.

        Returns:
            How many were deleted.
        """
        begin = self.of(aggregate_id).prefix
        writes: dict[bytes, bytes | None] = {}
        deleted = 0
        for stored, data in self._store.scan(begin, _after(begin)):
            key = stored[len(begin) :].decode()
            if key in kept:
                continue
            if deleted >= most:
                break
            writes[stored] = None
            deleted += 1
            if key[0] in self.indexed:
                writes.update(self.index_changes(aggregate_id, key, self._decode(key, data), None))
        else:
            writes[self._index(entry)] = None
        self._store.write(writes)
        del self._aggregates[aggregate_id]
        return deleted

    def clear(self) -> None:
        """Delete everything stored of this partition: it is restored from elsewhere."""
        self.forget_decided()
        self._store.write({key: None for key, _value in self._store.scan(self._prefix, self._prefix + b"z")})

    def _let_go(self) -> None:
        """Keep the younger half of the aggregates that have nothing to write."""
        old = list(self._aggregates.values())
        for rows in old[: len(old) // 2]:
            if rows.idle:
                del self._aggregates[rows.id]
        self._cached = sum(len(rows) for rows in self._aggregates.values())

    def _index(self, index_key: bytes) -> bytes:
        return self._prefix + b"i" + index_key

    def _decode(self, key: str, data: bytes) -> Any:
        return self._decoders[key[0]].decode(data)


_NOTHING: Any = object()


def _after(prefix: bytes) -> bytes:
    return prefix + b"\xff" * 8
