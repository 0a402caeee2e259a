"""Groups inside one process: who owns which partition, and handing it over.

Owns membership and ownership. A partition that moves is taken from its owner in the owner's own poll, and only then
given to the next one. A member that never polls keeps its partitions: threads that end must close their group reader.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from topics.embedded.assignment import spread
from topics.embedded.cursor import Cursor
from topics.embedded.jobs import EmbeddedJobs, JobQueue
from topics.embedded.layout import hint_key
from topics.embedded.reader import EmbeddedReader, Source
from topics.embedded.store import Store
from topics.embedded.tables import Tables
from topics.ports import Assigned, LogError, Record

Pair = tuple[str, int]


class Group:
    """Members and owners of one group. Every method may be called from any thread."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._lock = threading.Lock()
        self._members: dict[EmbeddedGroup, Sequence[str]] = {}
        self._target: dict[Pair, EmbeddedGroup] = {}
        self._owner: dict[Pair, EmbeddedGroup] = {}

    def join(self, member: EmbeddedGroup, topics: Sequence[str]) -> None:
        """Add a member."""
        counts = {topic: self._tables.partitions(topic) for topic in topics}
        with self._lock:
            self._members[member] = tuple(counts)
            self._spread()

    def leave(self, member: EmbeddedGroup) -> None:
        """Remove a member; what it owned is free at once."""
        with self._lock:
            if self._members.pop(member, None) is not None:
                self._owner = {pair: owner for pair, owner in self._owner.items() if owner is not member}
                self._spread()

    def due(self, member: EmbeddedGroup) -> list[Pair]:
        """Return partitions that the member owns and has to give up."""
        with self._lock:
            return [p for p, owner in self._owner.items() if owner is member and self._target.get(p) is not member]

    def release(self, member: EmbeddedGroup, pairs: Sequence[Pair]) -> None:
        """The member gave these up."""
        with self._lock:
            for pair in pairs:
                if self._owner.get(pair) is member:
                    del self._owner[pair]
                    taker = self._target.get(pair)
                    if taker is not None:
                        taker.disturb()

    def claim(self, member: EmbeddedGroup) -> list[Pair]:
        """Return partitions that are the member's from now on."""
        with self._lock:
            free = [p for p, target in self._target.items() if target is member and p not in self._owner]
            self._owner.update(dict.fromkeys(free, member))
            return free

    def _spread(self) -> None:
        topics = sorted({topic for wanted in self._members.values() for topic in wanted})
        pairs = [(topic, number) for topic in topics for number in range(self._tables.partitions(topic))]
        self._target = spread(self._members, pairs, self._owner)
        for member in self._members:
            member.disturb()


class EmbeddedGroup:
    """See `topics.ports.GroupReader`."""

    def __init__(
        self,
        group: Group,
        name: str,
        tables: Tables,
        reader: EmbeddedReader,
        on_assigned: Assigned,
        on_revoked: Assigned,
    ) -> None:
        self._group = group
        self._name = name
        self._tables = tables
        self._reader = reader
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._owned: set[Pair] = set()
        self._closed = False

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """See `topics.ports.GroupReader.poll`."""
        if self._closed:
            raise LogError("The group reader is closed.")
        reader = self._reader
        started = time.monotonic()
        left = timeout_s
        while True:
            if reader.disturbed:
                reader.disturbed = False
                self._settle()
            got = reader.poll(max_records, left)
            if got or not reader.disturbed:
                return got
            left = max(0.0, started + timeout_s - time.monotonic())

    def disturb(self) -> None:
        """Ownership may have changed: look at it in the poll that goes on, or in the next. Any thread may call it."""
        self._reader.disturb()

    def start(self, topic: str, partition: int, offset: int) -> None:
        """See `topics.ports.GroupReader.start`. Raises LogError if the partition isn't this member's."""
        self._require(topic, partition)
        self._reader.add(topic, partition, offset)

    def pause(self, topic: str, partition: int) -> None:
        """See `topics.ports.GroupReader.pause`."""
        self._require(topic, partition)
        self._reader.remove(topic, partition)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """See `topics.ports.GroupReader.commit`. Stored with the next sync."""
        self._require(topic, partition)
        self._tables.set_hint(hint_key(self._name, topic, partition), offset)

    def committed(self, topic: str, partition: int) -> int | None:
        """See `topics.ports.GroupReader.committed`."""
        return self._tables.hint(self._name, topic, partition)

    def wake(self) -> None:
        """See `topics.ports.GroupReader.wake`."""
        self._reader.wake()

    def close(self) -> None:
        """See `topics.ports.GroupReader.close`. `on_revoked` isn't called: the caller knows."""
        if not self._closed:
            self._closed = True
            self._reader.close()
            self._owned.clear()
            self._group.leave(self)

    def _settle(self) -> None:
        revoked = self._group.due(self)
        if revoked:
            for topic, partition in revoked:
                self._reader.remove(topic, partition)
            self._on_revoked(revoked)
            self._owned.difference_update(revoked)
            self._group.release(self, revoked)
        assigned = self._group.claim(self)
        if assigned:
            self._owned.update(assigned)
            self._on_assigned(assigned)

    def _require(self, topic: str, partition: int) -> None:
        if (topic, partition) not in self._owned:
            raise LogError(f"{topic}/{partition} isn't assigned to this member of {self._name}.")


class Coordinator:
    """The groups and job queues of one log."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._lock = threading.Lock()
        self._groups: dict[str, Group] = {}
        self._queues: dict[Pair | tuple[str, str], JobQueue] = {}

    def join(
        self, name: str, topics: Sequence[str], reader: EmbeddedReader, on_assigned: Assigned, on_revoked: Assigned
    ) -> EmbeddedGroup:
        """Add a member to a group."""
        with self._lock:
            group = self._groups.setdefault(name, Group(self._tables))
        member = EmbeddedGroup(group, name, self._tables, reader, on_assigned, on_revoked)
        group.join(member, topics)
        return member

    def take_jobs(self, store: Store, source: Source, topic: str, group: str) -> EmbeddedJobs:
        """Add a taker to a job queue; a new group begins with the oldest record."""
        count = self._tables.partitions(topic)
        with self._lock:
            queue = self._queues.get((topic, group))
            if queue is None:
                cursors = []
                for number in range(count):
                    partition = self._tables.find(topic, number)
                    stored = self._tables.hint(group, topic, number)
                    cursors.append(Cursor(store, partition, partition.begin if stored is None else stored))
                queue = self._queues[topic, group] = JobQueue(cursors, self._tables, group)
        return EmbeddedJobs(queue, source)
