"""The rows of one partition: what is on disk, and over it what was decided and isn't acknowledged yet.

Owns the layout of keys in the store, the overlay, and the encoding of rows. Indexes (timers by due time, attempts that
wait for a worker) are derived from rows here, so that they can't disagree with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from engine.machine import Aggregate, Row
from executor.state.ports import Store

CACHE_ROWS_MAX = 20_000
"""Decoded rows kept after they were written: some 20 MB; an execution's next command finds its rows here."""

_encoder = msgspec.msgpack.Encoder()

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

    rows: dict[str, Row | None]
    """By aggregate id and key, joined by NUL."""
    writes: dict[bytes, bytes | None]
    """Rows and index entries for the store."""


class PartitionRows:
    """Rows of the aggregates of one partition.

    Args:
        store: Where they are kept; shared by the partitions of a process.
        aggregate: Whose rows.
        partition: Number of the partition.
        index_keys: Which index entries a row has.
    """

    def __init__(self, store: Store, aggregate: Aggregate, partition: int, index_keys: IndexKeys) -> None:
        self._store = store
        self._prefix = aggregate.kind.encode() + b"/" + partition.to_bytes(2, "big")
        self._index_keys = index_keys
        self._decoders = {letter: msgspec.msgpack.Decoder(row_type) for letter, row_type in aggregate.row_types.items()}
        self._dirty: dict[str, Row | None] = {}
        self._cache: dict[str, Row | None] = {}

    def of(self, aggregate_id: str) -> AggregateRows:
        """Return the rows of one aggregate."""
        return AggregateRows(self, aggregate_id)

    def read(self, full_key: str) -> Row | None:
        """Return a row by `<aggregate id>NUL<key>`, decided ones included."""
        if full_key in self._dirty:
            return self._dirty[full_key]
        if full_key in self._cache:
            return self._cache[full_key]
        data = self._store.get(self._row_key(full_key))
        row = None if data is None else self._decode(full_key, data)
        self._remember(full_key, row)
        return row

    def scan(self, aggregate_id: str, prefix: str) -> Iterator[tuple[str, Row]]:
        """Yield an aggregate's (key, row) by prefix, in order, decided ones included."""
        start = f"{aggregate_id}\0{prefix}"
        cut = len(aggregate_id) + 1
        changed = {key: row for key, row in self._dirty.items() if key.startswith(start)}
        begin = self._row_key(start)
        found: Iterator[tuple[str, Row]] = (
            (full_key, self._decode(full_key, value))
            for full_key, value in (
                (key[len(self._prefix) + 1 :].decode(), value) for key, value in self._store.scan(begin, _after(begin))
            )
            if full_key not in changed
        )
        if not changed:
            yield from ((key[cut:], row) for key, row in found)
            return
        merged = dict(found)
        merged.update((key, row) for key, row in changed.items() if row is not None)
        yield from ((key[cut:], row) for key, row in sorted(merged.items()))

    def change(self, aggregate_id: str, changed: Mapping[str, Row | None]) -> Changed:
        """Put a decided (or folded) step's rows over the store, and return what is to be written when it counts."""
        rows: dict[str, Row | None] = {}
        writes: dict[bytes, bytes | None] = {}
        for key, row in changed.items():
            full_key = f"{aggregate_id}\0{key}"
            old = self.read(full_key)
            if old is None and row is None:
                continue
            before = self._index_keys(aggregate_id, key, old) if old is not None else ()
            after = self._index_keys(aggregate_id, key, row) if row is not None else ()
            if before != after:
                for index_key in before:
                    writes[self._index(index_key)] = None
                for index_key in after:
                    writes[self._index(index_key)] = b""
            rows[full_key] = row
            writes[self._row_key(full_key)] = None if row is None else _encoder.encode(row)
        self._dirty.update(rows)
        return Changed(rows, writes)

    def write(self, steps: list[Changed], position: Position) -> None:
        """Write acknowledged steps and how far the log is folded, atomically."""
        writes: dict[bytes, bytes | None] = {}
        dirty = self._dirty
        for changed in steps:
            writes.update(changed.writes)
            for full_key, row in changed.rows.items():
                if dirty.get(full_key, _NOTHING) is row:
                    del dirty[full_key]
                    self._remember(full_key, row)
        writes[self._prefix + b"p"] = _encoder.encode(position)
        self._store.write(writes)

    def position(self) -> Position:
        """Return how far the stored rows are."""
        data = self._store.get(self._prefix + b"p")
        return Position() if data is None else msgspec.msgpack.decode(data, type=Position)

    def forget_decided(self) -> None:
        """Drop everything that isn't in the store."""
        self._dirty.clear()
        self._cache.clear()

    def index(self, start: bytes, end: bytes) -> Iterator[bytes]:
        """Yield stored index keys with start <= key < end, in order."""
        cut = len(self._prefix) + 1
        for key, _value in self._store.scan(self._index(start), self._index(end)):
            yield key[cut:]

    def stored(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every stored row as (`<aggregate id>NUL<key>`, encoded row)."""
        begin = self._row_key("")
        cut = len(self._prefix) + 1
        for key, value in self._store.scan(begin, _after(begin)):
            yield key[cut:], value

    def encoded(self, full_key: bytes) -> bytes | None:
        """Return a stored row as it is encoded."""
        return self._store.get(self._prefix + b"r" + full_key)

    def restore(self, rows: Mapping[bytes, bytes | None], position: Position | None) -> None:
        """Write rows of a snapshot, with their index entries."""
        writes: dict[bytes, bytes | None] = {}
        for full_key, value in rows.items():
            writes[self._prefix + b"r" + full_key] = value
            if value is not None:
                text = full_key.decode()
                aggregate_id, _nul, key = text.partition("\0")
                for index_key in self._index_keys(aggregate_id, key, self._decode(text, value)):
                    writes[self._index(index_key)] = b""
        if position is not None:
            writes[self._prefix + b"p"] = _encoder.encode(position)
        self._store.write(writes)

    def _row_key(self, full_key: str) -> bytes:
        return self._prefix + b"r" + full_key.encode()

    def _index(self, index_key: bytes) -> bytes:
        return self._prefix + b"i" + index_key

    def _decode(self, full_key: str, data: bytes) -> Any:
        return self._decoders[full_key[full_key.index("\0") + 1]].decode(data)

    def _remember(self, full_key: str, row: Row | None) -> None:
        cache = self._cache
        cache[full_key] = row
        if len(cache) > CACHE_ROWS_MAX:
            for key in list(cache)[: CACHE_ROWS_MAX // 10]:
                del cache[key]


_NOTHING: Any = object()


def _after(prefix: bytes) -> bytes:
    return prefix + b"\xff" * 8


class AggregateRows:
    """The rows of one aggregate, as the engine reads them (`engine.machine.Rows`)."""

    __slots__ = ("_id", "_rows")

    def __init__(self, rows: PartitionRows, aggregate_id: str) -> None:
        self._rows = rows
        self._id = aggregate_id + "\0"

    def get(self, key: str) -> Any:
        """Return the row, None if there is none."""
        return self._rows.read(self._id + key)

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield (key, row) by prefix, in order."""
        return self._rows.scan(self._id[:-1], prefix)
