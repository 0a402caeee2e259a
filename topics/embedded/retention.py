"""Deleting what nobody needs: by age, and in compacted topics by key.

Owns one pass over one partition. A pass holds the log's lock only for the moment in which it deletes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

import msgspec
from rocksdict import WriteBatch

from topics.embedded.layout import PartitionMeta, entry_key, head, offset_of, state_key, unpack
from topics.embedded.partition import Partition
from topics.embedded.store import Store
from topics.ports import LogError

ENTRIES_PER_PASS = 50_000
"""Entries that one pass over one partition looks at, at most; the next pass goes on."""

PIECE_ENTRIES = 500
PIECE_BYTES = 8 << 20
"""How much of a partition is read in one go, so that readers get their turn and memory stays bounded."""

RECLAIMED_BYTES = 16 << 20
"""Deleted bytes of a partition before their space is reclaimed."""

DELETED_AT_ONCE = 1000
"""Deletions in one write: writers wait while it lasts, some milliseconds."""

COMPACTED_AFTER = 1000
"""New records, at least, before a partition is compacted; and at least as many as it had left: so that each record
pays for a constant number of looks."""

TOMBSTONE_KEPT_MS = 86_400_000
"""How long a tombstone outlives what it deletes, so that a reader under way sees it."""


def cut_partition(store: Store, partition: Partition, lock: threading.Lock, cutoff_ms: int) -> int:
    """Delete entries from the begin on that are older than `cutoff_ms`, up to the first that isn't.

    Returns:
        How many offsets went.
    """
    begin = partition.begin
    upto, chain, freed = begin, b"", 0
    for key, value in islice(_entries(store, partition), ENTRIES_PER_PASS):
        about = head(value)
        if about.at_ms >= cutoff_ms:
            break
        upto, chain, freed = offset_of(key) + about.records, about.own, freed + len(value)
    if upto == begin:
        return 0
    batch = WriteBatch(raw_mode=True)
    batch.put(state_key(partition.topic_number, partition.number), msgspec.msgpack.encode(PartitionMeta(upto, chain)))
    batch.delete_range(entry_key(partition.prefix, 0), entry_key(partition.prefix, upto))
    with lock:
        # First for readers, so that none of them takes a deleted record for a missing one.
        partition.begin = upto
        partition.forget(upto)
        _write(store, batch)
    partition.freed += freed
    if partition.freed >= RECLAIMED_BYTES:
        partition.freed = 0
        _reclaim(store, partition)
    return upto - begin


def compact_partition(store: Store, partition: Partition, lock: threading.Lock, now_ms: int) -> int:
    """Delete records that a later one of the same key replaces, and tombstones that are old.

    Returns:
        How many records went.
    """
    end = partition.end
    if end - partition.compacted < max(COMPACTED_AFTER, partition.live):
        return 0
    newest: dict[bytes, bytes] = {}
    doomed: list[bytes] = []
    for key, value in _entries(store, partition):
        if offset_of(key) >= end:
            break
        entry = unpack(key, value)
        replaced = newest.pop(entry.keys[0], None)
        if replaced is not None:
            doomed.append(replaced)
        old = not entry.values[0] and entry.at_ms < now_ms - TOMBSTONE_KEPT_MS
        # The last entry stays in any case: the partition's end is known by it.
        if old and offset_of(key) != end - 1:
            doomed.append(key)
        else:
            newest[entry.keys[0]] = key
    for at in range(0, len(doomed), DELETED_AT_ONCE):
        batch = WriteBatch(raw_mode=True)
        for key in doomed[at : at + DELETED_AT_ONCE]:
            batch.delete(key)
        with lock:
            _write(store, batch)
    partition.compacted = end
    partition.live = len(newest)
    return len(doomed)


def _write(store: Store, batch: WriteBatch) -> None:
    try:
        store.database.write(batch)
    except Exception as error:
        raise LogError(f"Old records couldn't be deleted, the next pass tries again: {error}") from error


def _reclaim(store: Store, partition: Partition) -> None:
    """Give the space of deleted entries back to the disk; traffic would do so too, but an idle log has none."""
    try:
        store.database.compact_range(entry_key(partition.prefix, 0), entry_key(partition.prefix, partition.begin))
    except Exception as error:
        raise LogError(f"The space of old records couldn't be reclaimed, a later pass tries again: {error}") from error


def _entries(store: Store, partition: Partition) -> Iterator[tuple[bytes, bytes]]:
    """Iterate over keys and values of the partition's entries, oldest first, lending the database piece by piece."""
    start = entry_key(partition.prefix, partition.begin)
    while True:
        piece: list[tuple[bytes, bytes]] = []
        size = 0
        with store.reading(f"{partition.topic}/{partition.number} from offset {offset_of(start)}") as database:
            stored = database.iter()
            stored.seek(start)
            while stored.valid() and len(piece) < PIECE_ENTRIES and size < PIECE_BYTES:
                key, value = stored.key(), stored.value()
                if not key.startswith(partition.prefix):
                    break
                piece.append((key, value))
                size += len(value)
                stored.next()
            stored.status()
        if not piece:
            return
        yield from piece
        start = entry_key(partition.prefix, offset_of(piece[-1][0]) + 1)
