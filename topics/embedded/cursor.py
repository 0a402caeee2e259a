"""Reads one partition from an offset on, from memory where it can, from RocksDB where it must.

Owns the check that what is read is what was written: each entry by its own checksum, and against the one before it as
long as the reading is sequential. It waits for nothing.
"""

from __future__ import annotations

from rocksdict import Rdict

from topics.embedded.layout import Damaged, entry_key, head, offset_of, unpack
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
        got = self._take_stored(room, base)
        if self.next == base and len(got) < room:
            got += records[: room - len(got)]
            self.next = got[-1].offset + 1 if got else base
        return got

    def _take_stored(self, room: int, upto: int) -> list[Record]:
        """Take from the database, below offset `upto`, where memory begins."""
        partition = self.partition
        self._require_kept()
        got: list[Record] = []
        start = self.next
        try:
            with self._store.reading(f"{partition.topic}/{partition.number} from offset {start}") as database:
                self._collect(database, got, room, upto)
            if not got:
                self._pass_gap(upto)
        except FatalLogError:
            if not got:
                # Retention may have cut off here while this was reading: then nothing is damaged.
                self._require_kept()
                raise
            # What lies before the damage is good; the next call stands at the damage and says so.
        if got:
            self.next = got[-1].offset + 1
        return got

    def _require_kept(self) -> None:
        partition = self.partition
        if self.next < partition.begin:
            raise FatalLogError(
                f"Offset {self.next} of {partition.topic}/{partition.number} is gone: retention has left "
                f"{partition.begin} and later. Restore a snapshot or read from begin_offset."
            )

    def _pass_gap(self, upto: int) -> None:
        partition = self.partition
        if not partition.single:
            raise FatalLogError(
                f"{partition.topic}/{partition.number} has no record at offset {self.next} though its end is "
                f"{partition.end}. {REPAIR_HINT}"
            )
        self.next = upto

    def _collect(self, database: Rdict, got: list[Record], room: int, upto: int) -> None:
        prefix = self.partition.prefix
        stored = database.iter()
        # The entry that holds the wanted offset may begin before it.
        stored.seek_for_prev(entry_key(prefix, self.next))
        if not (stored.valid() and stored.key().startswith(prefix)):
            stored.seek(entry_key(prefix, self.next))
        while len(got) < room and stored.valid():
            key: bytes = stored.key()
            if not key.startswith(prefix) or offset_of(key) >= upto:
                break
            self._accept(key, stored.value(), got, room, upto)
            stored.next()
        stored.status()

    def _accept(self, key: bytes, value: bytes, got: list[Record], room: int, upto: int) -> None:
        """Check one entry and add those of its records that are wanted."""
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
        topic, number, at_ms = partition.topic, partition.number, entry.at_ms
        skip = max(0, wanted - first)
        last = min(len(entry.keys), upto - first, skip + room - len(got))
        got += [Record(topic, number, first + at, entry.keys[at], entry.values[at], at_ms) for at in range(skip, last)]
