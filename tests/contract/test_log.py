"""What every log behind `topics.ports.Log` promises."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from tests.contract.logs import RECORD_BYTES_MAX, LogUnderTest
from topics.ports import (
    Ack,
    FatalLogError,
    GroupReader,
    JobSource,
    Log,
    LogError,
    Reader,
    Record,
    RecordTooLarge,
    Writer,
)

Pair = tuple[str, int]


class Hands:
    """Reads and writes with a patience: what must come is waited for, nothing else is."""

    def __init__(self, under_test: LogUnderTest, log: Log) -> None:
        self.under_test = under_test
        self.log = log

    def acks(self, writer: Writer) -> list[Ack]:
        got: list[Ack] = []
        end = time.monotonic() + self.under_test.patience_s
        while writer.outstanding:
            got += writer.poll(max(0.0, end - time.monotonic()))
            assert got or time.monotonic() <= end or not writer.outstanding, "acknowledgements didn't come"
        return got

    def write(self, topic: str, partition: int, *values: bytes, durable: bool = False) -> list[int]:
        writer = self.log.writer()
        for value in values:
            writer.append(topic, partition, b"key", value, durable=durable)
        offsets = [ack.offset for ack in self.acks(writer)]
        writer.close()
        assert None not in offsets
        return [offset for offset in offsets if offset is not None]

    def read(self, reader: Reader | GroupReader, count: int) -> list[Record]:
        return self._until(lambda left: reader.poll(100, left), count)

    def take(self, source: JobSource, count: int, most: int = 100) -> list[Record]:
        return self._until(lambda left: source.take(most, left), count)

    def settled(self, done: Callable[[], bool], *members: GroupReader) -> None:
        """Poll members until the group's callbacks brought about what is expected."""
        end = time.monotonic() + self.under_test.patience_s
        while True:
            for member in members:
                assert member.poll(100, 0.0 if self.under_test.instant else 0.05) == []
            if done():
                return
            assert self.under_test.instant or time.monotonic() < end, "the group didn't settle"

    def _until(self, poll: Callable[[float], list[Record]], count: int) -> list[Record]:
        got: list[Record] = []
        end = time.monotonic() + self.under_test.patience_s
        while len(got) < count:
            more = poll(max(0.0, end - time.monotonic()))
            got += more
            assert more or time.monotonic() < end, f"{count} records expected, {len(got)} came"
        return got


@pytest.fixture
def hands(log_factory: LogUnderTest, log: Log) -> Hands:
    return Hands(log_factory, log)


class Member:
    """A group member that starts what it gets and remembers what it was told."""

    def __init__(self, log: Log, topics: Sequence[str], *, start: bool = True, group: str = "g") -> None:
        self.owned: set[Pair] = set()
        self.told: list[tuple[str, tuple[Pair, ...]]] = []
        self._start = start
        self.reader = log.group(group, topics, self._assigned, self._revoked)

    def _assigned(self, pairs: Sequence[Pair]) -> None:
        self.told.append(("assigned", tuple(pairs)))
        assert not self.owned.intersection(pairs)
        self.owned.update(pairs)
        if self._start:
            for topic, partition in pairs:
                self.reader.start(topic, partition, self.reader.committed(topic, partition) or 0)

    def _revoked(self, pairs: Sequence[Pair]) -> None:
        self.told.append(("revoked", tuple(pairs)))
        assert self.owned.issuperset(pairs)
        self.owned.difference_update(pairs)


ALL_SIX = {("six", number) for number in range(6)}


# -- topics ------------------------------------------------------------------------------------------------------------


def test_a_topic_has_the_partitions_it_was_created_with(log: Log) -> None:
    assert (log.partitions("one"), log.partitions("three")) == (1, 3)


def test_a_topic_that_does_not_exist_is_a_fatal_error(log: Log) -> None:
    with pytest.raises(FatalLogError, match="nowhere"):
        log.partitions("nowhere")


def test_an_append_to_a_partition_that_does_not_exist_is_refused(log: Log) -> None:
    with pytest.raises(FatalLogError, match="three"):
        log.writer().append("three", 3, b"", b"")


def test_an_empty_partition_begins_and_ends_at_zero(log: Log) -> None:
    assert (log.begin_offset("one", 0), log.end_offset("one", 0)) == (0, 0)


def test_the_end_offset_is_the_next_records_offset(log: Log, hands: Hands) -> None:
    hands.write("three", 1, b"a", b"b")
    assert [log.end_offset("three", number) for number in range(3)] == [0, 2, 0]
    assert log.begin_offset("three", 1) == 0


# -- writing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("durable", [True, False])
def test_offsets_are_contiguous_from_zero(hands: Hands, durable: bool) -> None:
    assert hands.write("one", 0, *[b"v"] * 50, durable=durable) == list(range(50))
    assert hands.write("one", 0, *[b"v"] * 50, durable=durable) == list(range(50, 100))


@pytest.mark.parametrize("pattern", [(True,), (False,), (True, False), (False, False, True)])
def test_acknowledgements_of_a_partition_come_in_the_order_of_the_appends(
    log: Log, hands: Hands, pattern: tuple[bool, ...]
) -> None:
    writer = log.writer()
    for number in range(300):
        writer.append("three", number % 3, b"k", b"v", durable=pattern[number % len(pattern)], context=number)
    acks = hands.acks(writer)
    assert len(acks) == 300
    for partition in range(3):
        mine = [ack for ack in acks if ack.partition == partition]
        assert [ack.context for ack in mine] == list(range(partition, 300, 3))
        assert [ack.offset for ack in mine] == list(range(100))
        assert {ack.topic for ack in mine} == {"three"}
        assert {ack.error for ack in mine} == {None}


def test_outstanding_counts_appends_until_their_acknowledgement_is_returned(log: Log, hands: Hands) -> None:
    writer = log.writer()
    assert writer.outstanding == 0
    writer.append("one", 0, b"", b"a")
    writer.append("one", 0, b"", b"b")
    assert writer.outstanding == 2
    assert len(hands.acks(writer)) == 2
    assert writer.outstanding == 0


def test_polling_a_writer_with_nothing_outstanding_returns_nothing_at_once(log: Log) -> None:
    assert log.writer().poll(1000.0) == []


def test_a_value_over_the_limit_is_refused_where_it_is_made(log: Log, hands: Hands) -> None:
    writer = log.writer()
    writer.append("one", 0, b"", b"x" * RECORD_BYTES_MAX)
    with pytest.raises(RecordTooLarge, match="one"):
        writer.append("one", 0, b"", b"x" * (RECORD_BYTES_MAX + 1))
    writer.append("one", 0, b"", b"after")
    assert [ack.offset for ack in hands.acks(writer)] == [0, 1]


def test_a_closed_writer_refuses_appends(log: Log) -> None:
    writer = log.writer()
    writer.close()
    with pytest.raises(LogError):
        writer.append("one", 0, b"", b"v")


def test_two_writers_share_a_partition_without_losing_a_record(log: Log, hands: Hands) -> None:
    writers = [log.writer(), log.writer()]
    for number in range(100):
        writers[number % 2].append("one", 0, b"", b"%d" % number)
    offsets = sorted(ack.offset or 0 for writer in writers for ack in hands.acks(writer))
    assert offsets == list(range(100))
    reader = log.reader()
    reader.add("one", 0, 0)
    values = [int(record.value) for record in hands.read(reader, 100)]
    assert [value for value in values if value % 2 == 0] == list(range(0, 100, 2))
    assert [value for value in values if value % 2] == list(range(1, 100, 2))


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was_appended(log_factory: LogUnderTest, log: Log, hands: Hands) -> None:
    message = {"a": 1}
    writer = log.writer()
    writer.append("three", 2, b"\x00key\xff", b"\x00value\xff", message=message)
    hands.acks(writer)
    reader = log.reader()
    reader.add("three", 2, 0)
    [record] = hands.read(reader, 1)
    assert (record.topic, record.partition, record.offset) == ("three", 2, 0)
    assert (record.key, record.value) == (b"\x00key\xff", b"\x00value\xff")
    assert record.at_ms > 0
    if log_factory.hands_messages_over:
        assert record.message is message
    else:
        assert record.message is None


def test_a_tombstone_comes_back_as_empty_bytes(log: Log, hands: Hands) -> None:
    hands.write("one", 0, b"")
    reader = log.reader()
    reader.add("one", 0, 0)
    assert hands.read(reader, 1)[0].value == b""


@pytest.mark.parametrize("start", [0, 1, 57, 99])
def test_a_reader_reads_from_any_offset_in_order_without_gaps(log: Log, hands: Hands, start: int) -> None:
    hands.write("one", 0, *[b"%d" % number for number in range(100)])
    reader = log.reader()
    reader.add("one", 0, start)
    records = hands.read(reader, 100 - start)
    assert [record.offset for record in records] == list(range(start, 100))
    assert [record.value for record in records] == [b"%d" % number for number in range(start, 100)]


def test_a_reader_added_at_the_end_gets_only_what_comes_later(log: Log, hands: Hands) -> None:
    hands.write("one", 0, b"old")
    reader = log.reader()
    reader.add("one", 0, log.end_offset("one", 0))
    assert reader.poll(10, 0.0) == []
    hands.write("one", 0, b"new")
    assert [record.value for record in hands.read(reader, 1)] == [b"new"]


def test_a_poll_returns_no_more_than_it_is_asked_for(log: Log, hands: Hands) -> None:
    hands.write("one", 0, *[b"v"] * 10)
    reader = log.reader()
    reader.add("one", 0, 0)
    offsets: list[int] = []
    while len(offsets) < 10:
        records = hands._until(lambda left: reader.poll(3, left), 1)
        assert len(records) <= 3
        offsets += [record.offset for record in records]
    assert offsets == list(range(10))


def test_a_poll_without_records_returns_nothing(log: Log) -> None:
    reader = log.reader()
    assert reader.poll(10, 0.0) == []
    reader.add("one", 0, 0)
    assert reader.poll(10, 0.0) == []


def test_a_busy_partition_does_not_starve_the_others(log: Log, hands: Hands) -> None:
    hands.write("three", 0, *[b"busy"] * 50)
    hands.write("three", 1, b"quiet")
    reader = log.reader()
    for partition in range(3):
        reader.add("three", partition, 0)
    seen: list[bytes] = []
    while b"quiet" not in seen:
        seen += [record.value for record in hands._until(lambda left: reader.poll(5, left), 1)]
    assert len(seen) < 51 or seen[-1] == b"quiet"


def test_adding_a_partition_again_reads_it_again_from_there(log: Log, hands: Hands) -> None:
    hands.write("one", 0, b"a", b"b", b"c")
    reader = log.reader()
    reader.add("one", 0, 0)
    assert len(hands.read(reader, 3)) == 3
    reader.add("one", 0, 1)
    assert [record.value for record in hands.read(reader, 2)] == [b"b", b"c"]


def test_a_removed_partition_delivers_nothing(log: Log, hands: Hands) -> None:
    hands.write("three", 0, b"a")
    hands.write("three", 1, b"b")
    reader = log.reader()
    reader.add("three", 0, 0)
    reader.add("three", 1, 0)
    reader.remove("three", 0)
    assert [record.value for record in hands.read(reader, 1)] == [b"b"]
    assert reader.poll(10, 0.0) == []


def test_two_readers_do_not_disturb_each_other(log: Log, hands: Hands) -> None:
    hands.write("one", 0, b"a", b"b")
    readers = [log.reader(), log.reader()]
    for reader in readers:
        reader.add("one", 0, 0)
        assert [record.value for record in hands.read(reader, 2)] == [b"a", b"b"]


# -- waiting -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def waits(log_factory: LogUnderTest) -> None:
    if log_factory.instant:
        pytest.skip("this log never waits")


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("waits")
def test_an_append_wakes_a_waiting_reader(log: Log, hands: Hands) -> None:
    reader = log.reader()
    reader.add("one", 0, 0)
    got: list[Record] = []
    thread = in_thread(lambda: got.extend(reader.poll(10, hands.under_test.patience_s)))
    hands.write("one", 0, b"a")
    thread.join(hands.under_test.patience_s)
    assert [record.value for record in got] == [b"a"]


@pytest.mark.usefixtures("waits")
def test_a_record_is_delivered_though_its_writer_is_not_polled(log: Log, hands: Hands) -> None:
    reader = log.reader()
    reader.add("one", 0, 0)
    got: list[Record] = []
    thread = in_thread(lambda: got.extend(reader.poll(10, hands.under_test.patience_s)))
    writer = log.writer()
    writer.append("one", 0, b"", b"a", durable=False)
    thread.join(hands.under_test.patience_s)
    assert [record.value for record in got] == [b"a"]


@pytest.mark.usefixtures("waits")
def test_wake_ends_a_waiting_poll(log: Log, hands: Hands) -> None:
    reader = log.reader()
    reader.add("one", 0, 0)
    done: list[list[Record]] = []
    thread = in_thread(lambda: done.append(reader.poll(10, 1000.0)))
    reader.wake()
    thread.join(hands.under_test.patience_s)
    assert done == [[]]


@pytest.mark.usefixtures("waits")
def test_wake_ends_a_waiting_take(log: Log, hands: Hands) -> None:
    source = log.jobs("jobs.default", "workers")
    done: list[list[Record]] = []
    thread = in_thread(lambda: done.append(source.take(10, 1000.0)))
    source.wake()
    thread.join(hands.under_test.patience_s)
    assert done == [[]]


@pytest.mark.usefixtures("waits")
def test_wake_ends_a_waiting_group_poll(log: Log, hands: Hands) -> None:
    member = Member(log, ["six"])
    hands.settled(lambda: member.owned == ALL_SIX, member.reader)
    done: list[list[Record]] = []
    thread = in_thread(lambda: done.append(member.reader.poll(10, 1000.0)))
    member.reader.wake()
    thread.join(hands.under_test.patience_s)
    assert done == [[]]


@pytest.mark.usefixtures("waits")
def test_a_durable_append_wakes_its_waiting_writer(log: Log, hands: Hands) -> None:
    writer = log.writer()
    writer.append("one", 0, b"", b"a", durable=True, context="x")
    [ack] = writer.poll(hands.under_test.patience_s)
    assert (ack.offset, ack.context) == (0, "x")


@pytest.mark.usefixtures("waits")
def test_records_pass_between_threads_in_order(log: Log, hands: Hands) -> None:
    reader = log.reader()
    reader.add("one", 0, 0)
    got: list[Record] = []

    def read() -> None:
        got.extend(hands.read(reader, 2000))

    thread = in_thread(read)
    writer = log.writer()
    for number in range(2000):
        writer.append("one", 0, b"", b"%d" % number, durable=False)
        if number % 7 == 0:
            writer.poll()
    hands.acks(writer)
    thread.join(hands.under_test.patience_s)
    assert [int(record.value) for record in got] == list(range(2000))
    assert [record.offset for record in got] == list(range(2000))


# -- groups ------------------------------------------------------------------------------------------------------------


def test_a_single_member_gets_every_partition_in_its_poll(log: Log, hands: Hands) -> None:
    member = Member(log, ["six"])
    assert member.told == []
    hands.settled(lambda: member.owned == ALL_SIX, member.reader)


def test_an_assigned_partition_delivers_nothing_until_it_is_started(log: Log, hands: Hands) -> None:
    hands.write("six", 2, b"a", b"b")
    member = Member(log, ["six"], start=False)
    hands.settled(lambda: member.owned == ALL_SIX, member.reader)
    assert member.reader.poll(10, 0.0) == []
    member.reader.start("six", 2, 1)
    assert [record.value for record in hands.read(member.reader, 1)] == [b"b"]


def test_a_paused_partition_delivers_nothing_until_it_is_started_again(log: Log, hands: Hands) -> None:
    member = Member(log, ["six"])
    hands.settled(lambda: member.owned == ALL_SIX, member.reader)
    member.reader.pause("six", 2)
    hands.write("six", 2, b"paused")
    hands.write("six", 3, b"running")
    assert [record.value for record in hands.read(member.reader, 1)] == [b"running"]
    assert member.reader.poll(10, 0.0) == []
    member.reader.start("six", 2, 0)
    assert [record.value for record in hands.read(member.reader, 1)] == [b"paused"]


def test_members_share_partitions_evenly(log: Log, hands: Hands) -> None:
    members = [Member(log, ["six"]), Member(log, ["six"])]
    readers = [member.reader for member in members]
    hands.settled(lambda: [len(member.owned) for member in members] == [3, 3], *readers)
    assert members[0].owned | members[1].owned == ALL_SIX


def test_a_joining_member_takes_over_after_the_owner_was_told(log: Log, hands: Hands) -> None:
    old = Member(log, ["six"])
    hands.settled(lambda: old.owned == ALL_SIX, old.reader)
    new = Member(log, ["six"])
    hands.settled(lambda: len(old.owned) == 3 and len(new.owned) == 3, old.reader, new.reader)
    assert old.owned | new.owned == ALL_SIX
    assert any(what == "revoked" for what, _ in old.told)
    hands.write("six", 0, b"zero")
    hands.write("six", 5, b"five")
    for member in (old, new):
        mine = [pair for pair in (("six", 0), ("six", 5)) if pair in member.owned]
        if mine:
            assert {(r.topic, r.partition) for r in hands.read(member.reader, len(mine))} == set(mine)
        assert member.reader.poll(10, 0.0) == []


def test_a_leaving_members_partitions_go_to_the_others(log: Log, hands: Hands) -> None:
    members = [Member(log, ["six"]), Member(log, ["six"])]
    hands.settled(lambda: [len(member.owned) for member in members] == [3, 3], *[member.reader for member in members])
    members[0].reader.close()
    hands.settled(lambda: members[1].owned == ALL_SIX, members[1].reader)


def test_a_member_may_read_several_topics(log: Log, hands: Hands) -> None:
    member = Member(log, ["one", "three"])
    every = {("one", 0), ("three", 0), ("three", 1), ("three", 2)}
    hands.settled(lambda: member.owned == every, member.reader)


def test_a_committed_offset_is_seen_by_the_next_member(log: Log, hands: Hands) -> None:
    first = Member(log, ["one"])
    hands.settled(lambda: first.owned == {("one", 0)}, first.reader)
    assert first.reader.committed("one", 0) is None
    first.reader.commit("one", 0, 7)
    assert first.reader.committed("one", 0) == 7
    first.reader.close()
    second = Member(log, ["one"], start=False)
    hands.settled(lambda: second.owned == {("one", 0)}, second.reader)
    assert second.reader.committed("one", 0) == 7


def test_groups_do_not_disturb_each_other(log: Log, hands: Hands) -> None:
    members = [Member(log, ["one"], group="a"), Member(log, ["one"], group="b")]
    for member in members:
        hands.settled(lambda: member.owned == {("one", 0)}, member.reader)  # noqa: B023 - called at once
    hands.write("one", 0, b"v")
    for member in members:
        assert len(hands.read(member.reader, 1)) == 1


# -- job queues --------------------------------------------------------------------------------------------------------


def test_each_job_is_taken_once_by_some_taker(log: Log, hands: Hands) -> None:
    for number in range(30):
        hands.write("jobs.default", number % 3, b"%d" % number)
    takers = [log.jobs("jobs.default", "workers"), log.jobs("jobs.default", "workers")]
    end = time.monotonic() + hands.under_test.patience_s
    taken: list[int] = []
    while len(taken) < 30:
        for taker in takers:
            taken += [int(record.value) for record in taker.take(4, 0.0 if hands.under_test.instant else 0.05)]
        assert hands.under_test.instant or time.monotonic() < end
    assert sorted(taken) == list(range(30))
    assert [taker.take(10, 0.0) for taker in takers] == [[], []]


def test_jobs_that_were_appended_before_the_first_taker_came_are_taken(log: Log, hands: Hands) -> None:
    hands.write("jobs.default", 0, b"early")
    assert [record.value for record in hands.take(log.jobs("jobs.default", "workers"), 1)] == [b"early"]


def test_a_job_left_by_one_taker_is_taken_by_the_next(log: Log, hands: Hands) -> None:
    hands.write("jobs.default", 1, b"a", b"b")
    first = log.jobs("jobs.default", "workers")
    assert [record.value for record in hands.take(first, 1, most=1)] == [b"a"]
    first.close()
    second = log.jobs("jobs.default", "workers")
    assert [record.value for record in hands.take(second, 1)] == [b"b"]


@pytest.mark.usefixtures("waits")
def test_an_append_wakes_a_waiting_taker(log: Log, hands: Hands) -> None:
    source = log.jobs("jobs.default", "workers")
    got: list[Record] = []
    thread = in_thread(lambda: got.extend(hands.take(source, 1)))
    hands.write("jobs.default", 2, b"job")
    thread.join(hands.under_test.patience_s)
    assert [record.value for record in got] == [b"job"]


# -- opening again -----------------------------------------------------------------------------------------------------


@pytest.fixture
def durable(log_factory: LogUnderTest) -> LogUnderTest:
    if not log_factory.durable:
        pytest.skip("this log keeps nothing")
    return log_factory


def test_records_survive_closing_and_opening_again(durable: LogUnderTest, log: Log, hands: Hands) -> None:
    hands.write("three", 1, b"a", b"b", durable=True)
    hands.write("three", 2, b"c", durable=False)
    log.close()
    again = durable.open()
    assert [again.end_offset("three", number) for number in range(3)] == [0, 2, 1]
    later = Hands(durable, again)
    reader = again.reader()
    reader.add("three", 1, 0)
    assert [record.value for record in later.read(reader, 2)] == [b"a", b"b"]
    assert later.write("three", 1, b"d") == [2]
    assert [record.value for record in later.read(reader, 1)] == [b"d"]


def test_places_survive_closing_and_opening_again(durable: LogUnderTest, log: Log, hands: Hands) -> None:
    hands.write("jobs.default", 0, b"a", b"b")
    source = log.jobs("jobs.default", "workers")
    assert len(hands.take(source, 1, most=1)) == 1
    source.close()
    member = Member(log, ["one"])
    hands.settled(lambda: member.owned == {("one", 0)}, member.reader)
    member.reader.commit("one", 0, 5)
    member.reader.close()
    log.close()
    again = durable.open()
    later = Hands(durable, again)
    assert [record.value for record in later.take(again.jobs("jobs.default", "workers"), 1)] == [b"b"]
    successor = Member(again, ["one"], start=False)
    later.settled(lambda: successor.owned == {("one", 0)}, successor.reader)
    assert successor.reader.committed("one", 0) == 5
