from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from topics.embedded.faults import FaultRates, Faults
from topics.embedded.memory import MemoryLog
from topics.ports import Log, LogError, Record, Writer

PARTITIONS = {"six": 6, "one": 1, "jobs.default": 2}
EVERY_FAULT = FaultRates(
    hold=0.4,
    land=0.4,
    lose=0.1,
    lose_stray=0.5,
    unknown=0.1,
    late_ack=0.3,
    duplicate=0.2,
    redeliver=0.2,
    short_poll=0.3,
    forget_message=0.3,
)


def faulty(seed: int = 1, **rates: float) -> MemoryLog:
    return MemoryLog(PARTITIONS, faults=Faults(seed, FaultRates(**rates)))


def append(writer: Writer, *values: bytes) -> None:
    for value in values:
        writer.append("one", 0, b"k", value, context=value, message=value)


def stored(log: Log, topic: str = "one", partition: int = 0) -> list[bytes]:
    reader = log.reader()
    reader.add(topic, partition, log.begin_offset(topic, partition))
    values: list[bytes] = []
    while got := reader.poll(100, 0.0):
        values += [record.value for record in got]
    return values


def run_world(seed: int) -> list[object]:
    """Let three members write, read, take, crash and come back; return everything they saw."""
    now = 0
    log = MemoryLog(PARTITIONS, now_ms=lambda: now, faults=Faults(seed, EVERY_FAULT))
    dice = random.Random(seed)
    seen: list[object] = []
    members: dict[str, tuple] = {}

    def join(name: str) -> None:
        view = log.as_member(name)

        def on_assigned(pairs: Sequence[tuple[str, int]]) -> None:
            seen.append((name, "assigned", tuple(pairs)))
            for topic, partition in pairs:
                reader.start(topic, partition, 0)

        reader = view.group("g", ["six"], on_assigned, lambda pairs: seen.append((name, "revoked", tuple(pairs))))
        members[name] = (view.writer(), reader, view.jobs("jobs.default", "g"))

    for name in ("a", "b", "c"):
        join(name)
    for now in range(400):
        name = dice.choice(list(members))
        writer, reader, jobs = members[name]
        for _ in range(dice.randrange(4)):
            topic = dice.choice(["six", "jobs.default"])
            partition = dice.randrange(PARTITIONS[topic])
            writer.append(topic, partition, b"k", b"%d" % now, context=now, message=now)
        seen += [writer.poll(), reader.poll(5, 1.0), jobs.take(3, 1.0), log.tick()]
        if dice.random() < 0.02:
            log.crash(name)
            join(name)
        if dice.random() < 0.05:
            log.reassign("g", {dice.choice(list(members)): [("six", dice.randrange(6))]})
    seen.append([repr(flight) for flight in log.in_flight])
    log.settle()
    seen += [stored(log, "six", partition) for partition in range(6)]
    return seen


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    assert run_world(1) == run_world(1)
    assert run_world(1) != run_world(2)


def test_without_faults_everything_lands_at_once() -> None:
    log = MemoryLog(PARTITIONS)
    writer = log.writer()
    append(writer, b"a", b"b")
    assert log.in_flight == []
    assert [(ack.offset, ack.context) for ack in writer.poll()] == [(0, b"a"), (1, b"b")]
    assert stored(log) == [b"a", b"b"]


def test_a_held_append_waits_in_flight_until_it_is_landed() -> None:
    log = faulty(hold=1.0)
    writer = log.writer()
    append(writer, b"a", b"b")
    first, second = log.in_flight
    assert (first.topic, first.partition, first.value, first.context, first.stray) == ("one", 0, b"a", b"a", False)
    assert (writer.poll(), writer.outstanding, stored(log)) == ([], 2, [])
    log.land(first)
    assert stored(log) == [b"a"]
    assert log.in_flight == [second]
    assert [ack.offset for ack in writer.poll()] == [0]


def test_landing_an_append_lands_those_before_it_first() -> None:
    log = faulty(hold=1.0)
    writer = log.writer()
    append(writer, b"a", b"b", b"c")
    log.land(log.in_flight[1])
    assert stored(log) == [b"a", b"b"]
    assert [flight.value for flight in log.in_flight] == [b"c"]


def test_an_append_behind_a_held_one_waits_too() -> None:
    log = MemoryLog(PARTITIONS, faults=Faults(0, FaultRates(hold=0.5)))
    writer = log.writer()
    for number in range(50):
        append(writer, b"%d" % number)
    assert log.in_flight
    log.settle()
    assert stored(log) == [b"%d" % number for number in range(50)]


def test_a_lost_append_is_unknown_and_later_ones_land() -> None:
    log = faulty(hold=1.0)
    writer = log.writer()
    append(writer, b"a", b"b")
    log.lose(log.in_flight[0])
    log.settle()
    assert stored(log) == [b"b"]
    acks = writer.poll()
    assert [(ack.context, ack.offset) for ack in acks] == [(b"a", None), (b"b", 0)]
    assert acks[0].error


def test_an_unknown_acknowledgement_may_belong_to_a_record_that_landed() -> None:
    log = faulty(unknown=1.0)
    writer = log.writer()
    append(writer, b"a")
    assert [ack.offset for ack in writer.poll()] == [None]
    assert stored(log) == [b"a"]


def test_acknowledgements_come_late_but_in_order() -> None:
    log = faulty(late_ack=0.9)
    writer = log.writer()
    append(writer, *[b"%d" % number for number in range(20)])
    polls = []
    while writer.outstanding:
        polls.append([ack.context for ack in writer.poll()])
    assert len(polls) > 1
    assert [context for poll in polls for context in poll] == [b"%d" % number for number in range(20)]


def test_ticks_land_and_lose_as_the_dice_say() -> None:
    log = faulty(hold=1.0, land=0.5, lose=0.5)
    writers = [log.writer() for _ in range(20)]
    for number, writer in enumerate(writers):
        append(writer, b"%d" % number)
    moved = [log.tick() for _ in range(20)]
    assert sum(moved) == 20
    assert 0 < moved[0] < 20
    assert 0 < len(stored(log)) < 20
    assert log.tick() == 0


def test_a_crashed_members_appends_land_after_its_successors() -> None:
    log = faulty(hold=1.0)
    old = log.as_member("old").writer()
    append(old, b"zombie")
    log.crash("old")
    [stray] = log.in_flight
    assert stray.stray
    new = log.as_member("new").writer()
    append(new, b"successor")
    log.land(log.in_flight[1])
    log.land(stray)
    assert stored(log) == [b"successor", b"zombie"]
    with pytest.raises(LogError):
        append(old, b"never")


def test_a_crashed_members_partitions_go_to_the_others() -> None:
    log = MemoryLog(PARTITIONS)
    owned: dict[str, set[tuple[str, int]]] = {"a": set(), "b": set()}
    readers = {
        name: log.as_member(name).group("g", ["six"], owned[name].update, owned[name].difference_update)
        for name in owned
    }
    for _ in range(2):
        for reader in readers.values():
            reader.poll(1, 0.0)
    assert (len(owned["a"]), len(owned["b"])) == (3, 3)
    log.crash("a")
    readers["b"].poll(1, 0.0)
    assert len(owned["b"]) == 6
    with pytest.raises(LogError):
        readers["a"].poll(1, 0.0)


class Owner:
    """A group member that starts everything it is given at offset 0."""

    def __init__(self, log: MemoryLog, name: str) -> None:
        self.told: list[tuple[str, tuple[tuple[str, int], ...]]] = []
        self.reader = log.as_member(name).group("g", ["one"], self._assigned, self._revoked)

    def _assigned(self, pairs: Sequence[tuple[str, int]]) -> None:
        self.told.append(("assigned", tuple(pairs)))
        for topic, partition in pairs:
            self.reader.start(topic, partition, 0)

    def _revoked(self, pairs: Sequence[tuple[str, int]]) -> None:
        self.told.append(("revoked", tuple(pairs)))

    def values(self) -> list[bytes]:
        return [record.value for record in self.reader.poll(10, 0.0)]


def test_a_reassignment_without_a_word_leaves_two_owners_until_one_is_told() -> None:
    log = MemoryLog(PARTITIONS)
    old, new = Owner(log, "old"), Owner(log, "new")
    assert old.values() == [] and new.values() == []
    assert old.told == [("assigned", (("one", 0),))]
    log.reassign("g", {"new": [("one", 0)]})
    append(log.writer(), b"a")
    assert (new.values(), old.values()) == ([b"a"], [b"a"])
    log.reassign("g", {}, tell_old=True)
    append(log.writer(), b"b")
    assert (new.values(), old.values()) == ([b"b"], [])
    assert old.told[-1] == ("revoked", (("one", 0),))


def test_a_partition_that_comes_back_to_an_owner_who_never_knew_is_revoked_first() -> None:
    log = MemoryLog(PARTITIONS)
    old, new = Owner(log, "old"), Owner(log, "new")
    old.values()
    log.reassign("g", {"new": [("one", 0)]})
    new.values()
    log.reassign("g", {"old": [("one", 0)]})
    old.values()
    assert [what for what, _ in old.told] == ["assigned", "revoked", "assigned"]


def test_reassigning_to_a_stranger_is_refused() -> None:
    log = MemoryLog(PARTITIONS)
    Owner(log, "old")
    with pytest.raises(LogError, match="stranger"):
        log.reassign("g", {"stranger": [("one", 0)]})


def test_a_group_reader_gets_records_again_but_in_order() -> None:
    log = faulty(duplicate=0.5)
    owner = Owner(log, "owner")
    append(log.writer(), *[b"%d" % number for number in range(100)])
    offsets: list[int] = []
    for _ in range(60):
        offsets += [record.offset for record in owner.reader.poll(4, 0.0)]
    assert set(offsets) == set(range(100))
    assert len(offsets) > 100
    assert all(later <= earlier + 1 for earlier, later in pairwise(offsets))


def test_a_job_source_gets_jobs_again() -> None:
    log = faulty(redeliver=0.5)
    writer = log.writer()
    for number in range(50):
        writer.append("jobs.default", number % 2, b"", b"%d" % number)
    takers = [log.jobs("jobs.default", "g"), log.jobs("jobs.default", "g")]
    taken: list[Record] = []
    for turn in range(200):
        taken += takers[turn % 2].take(3, 0.0)
    numbers = [int(record.value) for record in taken]
    assert set(numbers) == set(range(50))
    assert len(numbers) > 50


def test_a_short_poll_loses_nothing() -> None:
    log = faulty(short_poll=0.7)
    append(log.writer(), *[b"%d" % number for number in range(100)])
    reader = log.reader()
    reader.add("one", 0, 0)
    polls = [reader.poll(10, 0.0) for _ in range(200)]
    assert [record.offset for got in polls for record in got] == list(range(100))
    assert any(0 < len(got) < 10 for got in polls[:8])


def test_a_forgotten_message_leaves_its_bytes() -> None:
    log = faulty(forget_message=1.0)
    append(log.writer(), b"a")
    reader = log.reader()
    reader.add("one", 0, 0)
    [record] = reader.poll(1, 0.0)
    assert (record.message, record.value) == (None, b"a")


def test_a_fault_that_is_off_does_not_shift_the_dice_of_the_others() -> None:
    def outcome(**more: float) -> list[bytes]:
        log = faulty(seed=5, hold=0.5, land=0.5, lose=0.3, **more)
        writer = log.writer()
        for number in range(50):
            append(writer, b"%d" % number)
            log.tick()
        return stored(log)

    assert outcome() == outcome(unknown=0.0, late_ack=0.0, duplicate=0.0)
