"""Writers, readers and takers of the simulator's log. None of them ever waits: timeouts are ignored.

Owns what one member holds in its hands: acknowledgements to come, places in partitions, what it believes to own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from topics.embedded.faults import Faults
from topics.embedded.memory_groups import Group, JobPlaces
from topics.ports import Ack, Assigned, FatalLogError, LogError, Record

Pair = tuple[str, int]

REWOUND_MAX = 5
"""How many records a duplicate delivery repeats, at most."""


class MemoryPartition:
    """Records of one partition, by offset; compaction leaves gaps."""

    __slots__ = ("begin", "end", "records")

    def __init__(self) -> None:
        self.begin = 0
        self.end = 0
        self.records: list[Record] = []

    def index(self, offset: int) -> int:
        """Return where in `records` this offset or the next one after it lies."""
        records = self.records
        if len(records) == self.end - self.begin:
            return min(max(0, offset - self.begin), len(records))
        return bisect_left(records, offset, key=lambda record: record.offset)


class World(Protocol):
    """What clients need of the log."""

    @property
    def faults(self) -> Faults:
        """The dice."""
        ...

    def find(self, pair: Pair) -> MemoryPartition:
        """Return a partition. Raises FatalLogError if it doesn't exist."""
        ...

    def accept(
        self, writer: MemoryWriter, pair: Pair, key: bytes, value: bytes, durable: bool, context: Any, message: Any
    ) -> None:
        """Take an append."""
        ...


class MemoryWriter:
    """See `topics.ports.Writer`."""

    def __init__(self, world: World, number: int, member: str) -> None:
        self._world = world
        self.number = number
        self.member = member
        self.acks: deque[Ack] = deque()
        self.closed = False
        self._outstanding = 0

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes,
        *,
        durable: bool = True,
        context: Any = None,
        message: Any = None,
    ) -> None:
        """See `topics.ports.Writer.append`."""
        if self.closed:
            raise LogError("The writer is closed.")
        self._world.accept(self, (topic, partition), key, value, durable, context, message)
        self._outstanding += 1

    def together(self) -> AbstractContextManager[None]:
        """See `topics.ports.Writer.together`; no broker is asked here."""
        return nullcontext()

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        """See `topics.ports.Writer.poll`."""
        acks = self.acks
        count = len(acks)
        faults = self._world.faults
        if count and faults.happens(faults.rates.late_ack):
            count = faults.below(count)
        self._outstanding -= count
        return [acks.popleft() for _ in range(count)]

    @property
    def outstanding(self) -> int:
        """How many appends have not been returned by `poll` yet."""
        return self._outstanding

    def close(self) -> None:
        """Give up; what is in flight becomes a stray."""
        self.closed = True
        self.acks.clear()
        self._outstanding = 0


class MemoryReader:
    """See `topics.ports.Reader`."""

    def __init__(self, world: World, member: str) -> None:
        self._world = world
        self.member = member
        self.closed = False
        self.places: dict[Pair, int] = {}
        """Next offset of each partition that is read."""
        self._turns: list[Pair] = []

    def add(self, topic: str, partition: int, offset: int) -> None:
        """See `topics.ports.Reader.add`. Raises FatalLogError if the offset is after the end."""
        end = self._world.find((topic, partition)).end
        if offset > end:
            raise FatalLogError(f"Offset {offset} of {topic}/{partition} is wanted, but the log ends at {end}.")
        self.places[topic, partition] = offset
        self._turns = list(self.places)

    def remove(self, topic: str, partition: int) -> None:
        """See `topics.ports.Reader.remove`."""
        self.places.pop((topic, partition), None)
        self._turns = list(self.places)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """See `topics.ports.Reader.poll`. Raises FatalLogError if retention removed the offset."""
        if self.closed:
            raise LogError("The reader is closed.")
        faults = self._world.faults
        room = faults.below(max_records + 1) if faults.happens(faults.rates.short_poll) else max_records
        got: list[Record] = []
        turns = self._turns
        for pair in turns:
            if room <= len(got):
                break
            taken, self.places[pair] = take(self._world, pair, self.places[pair], room - len(got))
            got += taken
        if len(turns) > 1 and got:
            turns.append(turns.pop(0))
        return got

    def wake(self) -> None:
        """Nothing ever waits here."""

    def close(self) -> None:
        """See `topics.ports.Reader.close`."""
        self.closed = True


class MemoryGroup:
    """See `topics.ports.GroupReader`."""

    def __init__(self, world: World, group: Group, member: str, on_assigned: Assigned, on_revoked: Assigned) -> None:
        self._world = world
        self._group = group
        self.member = member
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._reader = MemoryReader(world, member)
        self._started: dict[Pair, int] = {}
        self.owned: dict[Pair, None] = {}
        self.closed = False

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """See `topics.ports.GroupReader.poll`."""
        if self.closed:
            raise LogError("The group reader is closed.")
        self._settle()
        faults = self._world.faults
        for pair, place in self._reader.places.items():
            if faults.happens(faults.rates.duplicate):
                floor = max(self._started[pair], self._world.find(pair).begin)
                self._reader.places[pair] = min(place, max(floor, place - 1 - faults.below(REWOUND_MAX)))
        return self._reader.poll(max_records, timeout_s)

    def start(self, topic: str, partition: int, offset: int) -> None:
        """See `topics.ports.GroupReader.start`. Raises LogError if the partition isn't this member's."""
        self._require(topic, partition)
        self._started[topic, partition] = offset
        self._reader.add(topic, partition, offset)

    def pause(self, topic: str, partition: int) -> None:
        """See `topics.ports.GroupReader.pause`."""
        self._require(topic, partition)
        self._reader.remove(topic, partition)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """See `topics.ports.GroupReader.commit`."""
        self._require(topic, partition)
        self._group.hints[topic, partition] = offset

    def committed(self, topic: str, partition: int) -> int | None:
        """See `topics.ports.GroupReader.committed`."""
        return self._group.hints.get((topic, partition))

    def wake(self) -> None:
        """Nothing ever waits here."""

    def close(self) -> None:
        """See `topics.ports.GroupReader.close`. `on_revoked` isn't called: the caller knows."""
        if not self.closed:
            self.closed = True
            self.owned.clear()
            self._group.leave(self)

    def _settle(self) -> None:
        revoked = self._group.due(self)
        if revoked:
            self._give_up(revoked)
            self._group.release(self, revoked)
        assigned = self._group.claim(self)
        if assigned:
            again = [pair for pair in assigned if pair in self.owned]
            if again:
                self._give_up(again)
            self.owned.update(dict.fromkeys(assigned))
            self._on_assigned(assigned)

    def _give_up(self, pairs: list[Pair]) -> None:
        for topic, partition in pairs:
            self._reader.remove(topic, partition)
            del self.owned[topic, partition]
        self._on_revoked(pairs)

    def _require(self, topic: str, partition: int) -> None:
        if (topic, partition) not in self.owned:
            raise LogError(f"{topic}/{partition} isn't assigned to this member.")


class MemoryJobs:
    """See `topics.ports.JobSource`."""

    def __init__(self, world: World, places: JobPlaces, member: str) -> None:
        self._world = world
        self._places = places
        self.member = member
        self.closed = False

    def take(self, max_records: int, timeout_s: float) -> list[Record]:
        """See `topics.ports.JobSource.take`."""
        if self.closed:
            raise LogError("The job source is closed.")
        shared = self._places
        faults = self._world.faults
        room = faults.below(max_records + 1) if faults.happens(faults.rates.short_poll) else max_records
        got: list[Record] = []
        while shared.again and len(got) < room:
            got.append(shared.again.popleft())
        pairs = list(shared.places)
        for at in range(len(pairs)):
            if len(got) >= room:
                break
            pair = pairs[(shared.turn + at) % len(pairs)]
            place = max(shared.places[pair], self._world.find(pair).begin)
            taken, shared.places[pair] = take(self._world, pair, place, room - len(got))
            got += taken
        shared.turn += 1
        shared.again.extend(record for record in got if faults.happens(faults.rates.redeliver))
        return got

    def hand_back(self) -> None:
        """See `topics.ports.JobSource.hand_back`; nothing is fetched before it is taken."""

    def wake(self) -> None:
        """Nothing ever waits here."""

    def close(self) -> None:
        """See `topics.ports.JobSource.close`."""
        self.closed = True


def take(world: World, pair: Pair, offset: int, room: int) -> tuple[list[Record], int]:
    """Return the next records of a partition from `offset` on, at most `room`, and the place after them."""
    partition = world.find(pair)
    if offset < partition.begin:
        raise FatalLogError(
            f"Offset {offset} of {pair[0]}/{pair[1]} is gone: retention has left {partition.begin} and later. "
            "Restore a snapshot or read from begin_offset."
        )
    at = partition.index(offset)
    got = partition.records[at : at + room]
    return got, got[-1].offset + 1 if got else offset
