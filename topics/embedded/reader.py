"""The reader of the embedded log: several partitions, one wait.

Owns fairness between partitions and the waiting. Where records come from is `cursor.py`'s.
"""

from __future__ import annotations

from typing import Protocol

from topics.embedded.cursor import Cursor
from topics.embedded.partition import Partition
from topics.embedded.store import Store
from topics.embedded.wakeup import Wakeup
from topics.ports import FatalLogError, LogError, Record


class Source(Protocol):
    """What a reader needs of its log."""

    @property
    def closed(self) -> bool:
        """Whether the log is closed."""
        ...

    def find(self, topic: str, partition: int) -> Partition:
        """Return the partition, or raise FatalLogError."""
        ...

    def write_queued(self) -> bool:
        """Write what writers have queued."""
        ...


class EmbeddedReader:
    """See `topics.ports.Reader`."""

    def __init__(self, store: Store, source: Source) -> None:
        self._store = store
        self._source = source
        self._cursors: dict[tuple[str, int], Cursor] = {}
        self._turns: list[Cursor] = []
        self._wakeup = Wakeup()
        self._woken = False
        self._closed = False
        self.disturbed = False
        """While true, `poll` doesn't wait: whoever set it has something to do first."""

    def add(self, topic: str, partition: int, offset: int) -> None:
        """See `topics.ports.Reader.add`.

        Raises:
            FatalLogError: If the offset is after the end: the reader knows records that the log has lost.
        """
        found = self._source.find(topic, partition)
        if offset > found.end:
            self._source.write_queued()
            if offset > found.end:
                raise FatalLogError(
                    f"Offset {offset} of {topic}/{partition} is wanted, but the log ends at {found.end}: it lost its "
                    "newest records, by a power failure or by salvaging, or it is another log. What was folded from "
                    "them (rows, views) must be deleted, and is folded anew from the log."
                )
        self.remove(topic, partition)
        self._cursors[topic, partition] = Cursor(self._store, found, offset)
        found.listen(self._wakeup)
        self._turns = list(self._cursors.values())

    def remove(self, topic: str, partition: int) -> None:
        """See `topics.ports.Reader.remove`."""
        cursor = self._cursors.pop((topic, partition), None)
        if cursor is not None:
            cursor.partition.ignore(self._wakeup)
            self._turns = list(self._cursors.values())

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """See `topics.ports.Reader.poll`.

        Raises:
            FatalLogError: If a partition's offset was removed by retention, or its bytes are damaged.
            LogError: If the log is closed.
        """
        got = self._collect(max_records)
        if got:
            return got
        if self._closed or self._source.closed:
            raise LogError("The log is closed." if self._source.closed else "The reader is closed.")
        if self._source.write_queued():
            got = self._collect(max_records)
        if not got and timeout_s > 0:
            self._wakeup.wait_until(self._ready, timeout_s)
            got = self._collect(max_records)
        self._woken = False
        return got

    def wake(self) -> None:
        """See `topics.ports.Reader.wake`."""
        self._woken = True
        self._wakeup.notify()

    def disturb(self) -> None:
        """Set `disturbed` and end a wait. Any thread may call it."""
        self.disturbed = True
        self._wakeup.notify()

    def close(self) -> None:
        """See `topics.ports.Reader.close`."""
        for topic, partition in list(self._cursors):
            self.remove(topic, partition)
        self._closed = True

    def _ready(self) -> bool:
        if self._woken or self.disturbed or self._source.closed:
            return True
        return any(cursor.next < cursor.partition.end for cursor in self._turns)

    def _collect(self, room: int) -> list[Record]:
        turns = self._turns
        got: list[Record] = []
        for cursor in turns:
            if cursor.next < cursor.partition.end:
                taken = cursor.take(room)
                if not got:
                    got = taken
                else:
                    got += taken
                room -= len(taken)
                if room <= 0:
                    break
        if len(turns) > 1 and room <= 0:
            # Whoever filled this poll goes last in the next, so that a busy partition can't starve the others.
            turns.append(turns.pop(turns.index(cursor)))
        return got
