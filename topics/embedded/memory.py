"""The log of simulations: the ports of `topics/ports.py` in memory, with virtual time and faults on demand.

Single-threaded and deterministic: nothing here blocks, reads a clock or depends on hashes, so the same seed gives the
same run. Without faults each append lands at once. With them, appends wait in flight until `tick`, `land` or `lose`
decides, acknowledgements come late or not at all, records come twice, and crashed members' appends land after their
successors'. Owns records, appends in flight, and who crashed; what members hold in their hands is
`memory_clients.py`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from topics.embedded.faults import NO_FAULTS, Faults
from topics.embedded.memory_clients import MemoryGroup, MemoryJobs, MemoryPartition, MemoryReader, MemoryWriter
from topics.embedded.memory_groups import Group, JobPlaces
from topics.embedded.rules import PartitionsFor, TopicRules
from topics.ports import Ack, Assigned, FatalLogError, Record, RecordTooLarge

Pair = tuple[str, int]


class InFlight:
    """An append that has not landed yet."""

    __slots__ = ("context", "durable", "key", "message", "number", "partition", "topic", "value", "writer")

    def __init__(self, number: int, writer: MemoryWriter, pair: Pair, key: bytes, value: bytes) -> None:
        self.number = number
        """Counts all appends of the log."""
        self.writer = writer
        self.topic, self.partition = pair
        self.key = key
        self.value = value
        self.durable = True
        self.context: Any = None
        self.message: Any = None

    @property
    def stray(self) -> bool:
        """Whether its writer is gone: nobody waits for it any more."""
        return self.writer.closed

    def __repr__(self) -> str:
        return f"InFlight({self.number}, {self.writer.member!r}, {self.topic}/{self.partition}, {self.message!r})"


class MemoryLog:
    """See `topics.ports.Log`; made for one simulated world that several members share.

    Args:
        partitions_for: As for the durable log.
        now_ms: Virtual clock for `Record.at_ms`; always 0 without one.
        faults: Dice for what goes wrong; nothing without.
    """

    def __init__(
        self,
        partitions_for: PartitionsFor | TopicRules,
        *,
        now_ms: Callable[[], int] = lambda: 0,
        faults: Faults = NO_FAULTS,
    ) -> None:
        self.rules = partitions_for if isinstance(partitions_for, TopicRules) else TopicRules(partitions_for)
        self.now_ms = now_ms
        self.faults = faults
        self._counts: dict[str, int] = {}
        self._partitions: dict[Pair, MemoryPartition] = {}
        self._flights: dict[tuple[int, Pair], deque[InFlight]] = {}
        self._appended = 0
        self._writers: list[MemoryWriter] = []
        self._readers: list[MemoryReader | MemoryGroup | MemoryJobs] = []
        self._groups: dict[str, Group] = {}
        self._places: dict[tuple[str, str], JobPlaces] = {}

    # -- the port ------------------------------------------------------------------------------------------------------

    def partitions(self, topic: str) -> int:
        """See `topics.ports.Log.partitions`."""
        count = self._counts.get(topic)
        if count is None:
            try:
                count = self.rules.partitions(topic)
            except KeyError:
                raise FatalLogError(f"There is no topic {topic!r}.") from None
            self._counts[topic] = count
            for number in range(count):
                self._partitions[topic, number] = MemoryPartition()
        return count

    def find(self, pair: Pair) -> MemoryPartition:
        """Return a partition. Raises FatalLogError if it doesn't exist."""
        found = self._partitions.get(pair)
        if found is None:
            topic, number = pair
            count = self.partitions(topic)
            if not 0 <= number < count:
                raise FatalLogError(f"{topic} has no partition {number}, it has {count}.")
            found = self._partitions[pair]
        return found

    def begin_offset(self, topic: str, partition: int) -> int:
        """See `topics.ports.Log.begin_offset`."""
        return self.find((topic, partition)).begin

    def end_offset(self, topic: str, partition: int) -> int:
        """See `topics.ports.Log.end_offset`."""
        return self.find((topic, partition)).end

    def writer(self, *, member: str = "") -> MemoryWriter:
        """See `topics.ports.Log.writer`."""
        writer = MemoryWriter(self, len(self._writers), member)
        self._writers.append(writer)
        return writer

    def reader(self, *, member: str = "") -> MemoryReader:
        """See `topics.ports.Log.reader`."""
        reader = MemoryReader(self, member)
        self._readers.append(reader)
        return reader

    def group(
        self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Assigned, *, member: str = ""
    ) -> MemoryGroup:
        """See `topics.ports.Log.group`."""
        found = self._groups.setdefault(group, Group(self.partitions))
        joined = MemoryGroup(self, found, member, on_assigned, on_revoked)
        self._readers.append(joined)
        found.join(joined, topics)
        return joined

    def jobs(self, topic: str, group: str, *, member: str = "") -> MemoryJobs:
        """See `topics.ports.Log.jobs`."""
        places = self._places.get((topic, group))
        if places is None:
            pairs = [(topic, number) for number in range(self.partitions(topic))]
            places = self._places[topic, group] = JobPlaces({pair: self.find(pair).begin for pair in pairs})
        source = MemoryJobs(self, places, member)
        self._readers.append(source)
        return source

    def close(self) -> None:
        """Nothing to release: what was acknowledged stays for the next user of this object."""

    def as_member(self, name: str) -> MemberLog:
        """Return this log as one process of the simulated world sees it, so that `crash` can end that process."""
        return MemberLog(self, name)

    # -- appends -------------------------------------------------------------------------------------------------------

    def accept(
        self, writer: MemoryWriter, pair: Pair, key: bytes, value: bytes, durable: bool, context: Any, message: Any
    ) -> None:
        """Take an append: it lands now, or goes on its way."""
        self.find(pair)
        if len(value) > self.rules.record_bytes_max:
            raise RecordTooLarge(
                f"A record for {pair[0]} has {len(value)} bytes, its limit is {self.rules.record_bytes_max}. "
                "Keep large values in the storage and send a reference."
            )
        flight = InFlight(self._appended, writer, pair, key, value)
        flight.durable, flight.context, flight.message = durable, context, message
        self._appended += 1
        queue = self._flights.get((writer.number, pair))
        if queue is not None:
            queue.append(flight)
        elif self.faults.happens(self.faults.rates.hold):
            self._flights[writer.number, pair] = deque((flight,))
        else:
            self._put(flight)

    @property
    def in_flight(self) -> list[InFlight]:
        """Appends that have not landed, in the order of their appending."""
        return sorted((flight for queue in self._flights.values() for flight in queue), key=lambda f: f.number)

    def land(self, flight: InFlight) -> None:
        """Let an append land now, and before it those that its writer appended earlier to the same partition."""
        queue = self._flights[flight.writer.number, (flight.topic, flight.partition)]
        while True:
            first = queue[0]
            self._leave(first)
            self._put(first)
            if first is flight:
                return

    def lose(self, flight: InFlight) -> None:
        """Let an append never land; its writer's acknowledgement is unknown."""
        self._leave(flight)
        self._acknowledge(flight, None)

    def tick(self) -> int:
        """Let each queue of appends in flight move or not, as the dice say; return how many left their queue."""
        moved = 0
        for queue in list(self._flights.values()):
            if self.faults.happens(self.faults.rates.land):
                self._move(queue[0])
                moved += 1
        return moved

    def settle(self) -> None:
        """Let everything in flight land now, strays too: how a simulation ends."""
        while self._flights:
            for queue in list(self._flights.values()):
                self.land(queue[-1])

    def _move(self, flight: InFlight) -> None:
        rates = self.faults.rates
        if self.faults.happens(rates.lose_stray if flight.stray else rates.lose):
            self.lose(flight)
        else:
            self._leave(flight)
            self._put(flight)

    def _leave(self, flight: InFlight) -> None:
        place = (flight.writer.number, (flight.topic, flight.partition))
        queue = self._flights[place]
        queue.remove(flight)
        if not queue:
            del self._flights[place]

    def _put(self, flight: InFlight) -> None:
        partition = self._partitions[flight.topic, flight.partition]
        offset = partition.end
        forget = self.faults.happens(self.faults.rates.forget_message)
        partition.records.append(
            Record(
                flight.topic,
                flight.partition,
                offset,
                flight.key,
                flight.value,
                self.now_ms(),
                None if forget else flight.message,
            )
        )
        partition.end = offset + 1
        self._acknowledge(flight, None if self.faults.happens(self.faults.rates.unknown) else offset)

    def _acknowledge(self, flight: InFlight, offset: int | None) -> None:
        if not flight.writer.closed:
            error = "no acknowledgement came" if offset is None else None
            flight.writer.acks.append(Ack(flight.topic, flight.partition, offset, flight.context, error))

    # -- the world -----------------------------------------------------------------------------------------------------

    def crash(self, member: str) -> None:
        """End a member without a word: its appends in flight become strays, others get its partitions."""
        for writer in self._writers:
            if writer.member == member:
                writer.close()
        for reader in self._readers:
            if reader.member == member:
                reader.close()
        self._readers = [reader for reader in self._readers if not reader.closed]

    def reassign(self, group: str, owners: Mapping[str, Sequence[Pair]], *, tell_old: bool = False) -> None:
        """Give partitions of a group to members (by name), each told in its next poll.

        Args:
            group: Which group.
            owners: New owner of some partitions; the others stay where they are.
            tell_old: False lets the old owner go on as if nothing had happened: it still delivers, a zombie, until it
                polls after a `reassign` that tells, or a member joins or leaves.
        """
        self._groups[group].reassign(owners, tell_old)

    def enforce_retention(self, now_ms: int) -> int:
        """As the durable log's, but compacts each time."""
        removed = 0
        for (topic, _), partition in self._partitions.items():
            before = len(partition.records)
            retention_ms = self.rules.retention_ms(topic)
            if self.rules.compacted(topic):
                _compact(partition)
            elif retention_ms is not None:
                _cut(partition, now_ms - retention_ms)
            removed += before - len(partition.records)
        return removed


class MemberLog:
    """A `MemoryLog` as one member sees it. See `topics.ports.Log`."""

    def __init__(self, log: MemoryLog, member: str) -> None:
        self._log = log
        self._member = member
        self.partitions = log.partitions
        self.begin_offset = log.begin_offset
        self.end_offset = log.end_offset

    def writer(self) -> MemoryWriter:
        """See `topics.ports.Log.writer`."""
        return self._log.writer(member=self._member)

    def reader(self) -> MemoryReader:
        """See `topics.ports.Log.reader`."""
        return self._log.reader(member=self._member)

    def group(self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Assigned) -> MemoryGroup:
        """See `topics.ports.Log.group`."""
        return self._log.group(group, topics, on_assigned, on_revoked, member=self._member)

    def jobs(self, topic: str, group: str) -> MemoryJobs:
        """See `topics.ports.Log.jobs`."""
        return self._log.jobs(topic, group, member=self._member)

    def close(self) -> None:
        """Nothing to release."""


def _cut(partition: MemoryPartition, cutoff_ms: int) -> None:
    keep = next(
        (at for at, record in enumerate(partition.records) if record.at_ms >= cutoff_ms), len(partition.records)
    )
    del partition.records[:keep]
    partition.begin += keep


def _compact(partition: MemoryPartition) -> None:
    newest = {record.key: record.offset for record in partition.records}
    partition.records = [record for record in partition.records if newest[record.key] == record.offset]
