"""Reads one partition from an offset on, from memory where it can, from RocksDB where it must.

Owns the check that what is read is what was written: each entry by its own checksum, and against the one before it as
long as the reading is sequential. It waits for nothing.
"""

from __future__ import annotations

from rocksdict import Rdict

from topics.embedded.layout import Damaged, Entry, entry_key, head, offset_of, unpack
from topics.embedded.partition import Partition
from topics.embedded.store import REPAIR_HINT, Store
from topics.ports import FatalLogError, Record


class Cursor:
    """A place in a partition.

    Args:
        store: Where entries lie.
        partition: What is read.
        offset: Where to begin.
    """

    __slots__ = ("_chain", "_chain_at", "_store", "next", "partition")

    def __init__(self, store: Store, partition: Partition, offset: int) -> None:
        self._store = store
        self.partition = partition
        self.next = offset
        self._chain = b""
        self._chain_at = -1
        """The offset after the entry that `_chain` belongs to; -1 if none was read."""

    def take(self, room: int) -> list[Record]:
        """Return the next records, at most `room`, and move on; [] at the end.

        Raises:
            FatalLogError: If the offset is before what retention left, or bytes are damaged.
        """
        base, records = self.partition.window
        at = self.next - base
        if at >= 0:
            got = records[at : at + room]
            self.next += len(got)
            return got
        return self._take_stored(room)

    def _take_stored(self, room: int) -> list[Record]:
        partition = self.partition
        if self.next < partition.begin:
            raise FatalLogError(
                f"Offset {self.next} of {partition.topic}/{partition.number} is gone: retention has left "
                f"{partition.begin} and later. Restore a snapshot or read from begin_offset."
            )
        got: list[Record] = []
        start = self.next
        try:
            with self._store.reading(f"{partition.topic}/{partition.number} from offset {start}") as database:
                self._collect(database, got, room)
        except FatalLogError:
            if not got:
                raise
            # What lies before the damage is good; the next call stands at the damage and says so.
        if got:
            self.next = got[-1].offset + 1
        elif self.next < partition.window[0] and self.next == start:
            self._expect_gap(start)
        return got

    def _expect_gap(self, start: int) -> None:
        partition = self.partition
        if not partition.single and start < partition.end:
            raise FatalLogError(
                f"{partition.topic}/{partition.number} has no record at offset {start} though its end is "
                f"{partition.end}. {REPAIR_HINT}"
            )
        self.next = partition.window[0]

    def _collect(self, database: Rdict, got: list[Record], room: int) -> None:
        prefix = self.partition.prefix
        stored = database.iter()
        # The entry that holds the wanted offset may begin before it.
        stored.seek_for_prev(entry_key(prefix, self.next))
        if not (stored.valid() and stored.key().startswith(prefix)):
            stored.seek(entry_key(prefix, self.next))
        while room > 0 and stored.valid():
            key: bytes = stored.key()
            if not key.startswith(prefix):
                break
            room -= self._accept(key, stored.value(), got, room)
            stored.next()
        stored.status()

    def _accept(self, key: bytes, value: bytes, got: list[Record], room: int) -> int:
        """Check one entry and add those of its records that are wanted; return how many."""
        partition = self.partition
        first = offset_of(key)
        try:
            before, own, _, _ = head(value)
            if first == self._chain_at and before != self._chain:
                raise Damaged("it doesn't follow on the entry before it")
            entry = unpack(key, value)
            wanted = got[-1].offset + 1 if got else self.next
            if first > wanted and not partition.single:
                raise Damaged(f"offset {wanted} is missing before it")
        except Damaged as error:
            raise FatalLogError(
                f"{partition.topic}/{partition.number} is damaged at offset {first}: {error}. {REPAIR_HINT}"
            ) from None
        self._chain = own
        self._chain_at = first + len(entry.keys)
        return _add(partition, entry, wanted, got, room)


def _add(partition: Partition, entry: Entry, wanted: int, got: list[Record], room: int) -> int:
    first = entry.first
    skip = max(0, wanted - first)
    upto = min(len(entry.keys), skip + room)
    for at in range(skip, upto):
        got.append(Record(partition.topic, partition.number, first + at, entry.keys[at], entry.values[at], entry.at_ms))
    return max(0, upto - skip)
