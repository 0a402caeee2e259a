from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.topics.embedded.content import append_all, open_log, read_partition
from topics.embedded.retention import COMPACTED_AFTER, TOMBSTONE_KEPT_MS
from topics.embedded.rocks import EmbeddedLog, open_embedded_log
from topics.embedded.rules import TopicRules
from topics.ports import FatalLogError


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def open_with(directory: Path, clock: Clock) -> EmbeddedLog:
    rules = TopicRules(
        {"short": 1, "long": 1, "rows": 1},
        retention_ms=lambda topic: 1_000 if topic == "short" else None,
        compacted=lambda topic: topic == "rows",
    )
    return open_embedded_log(directory, rules, now_ms=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_records_older_than_their_topic_keeps_them_go(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    for clock.now_ms in range(0, 5_000, 100):
        append_all(log, "short", 0, [b"%d" % clock.now_ms])
        append_all(log, "long", 0, [b"%d" % clock.now_ms])
    assert log.enforce_retention(4_900) == 39
    assert (log.begin_offset("short", 0), log.end_offset("short", 0)) == (39, 50)
    assert read_partition(log, "short", 0)[0].value == b"3900"
    assert log.begin_offset("long", 0) == 0
    assert log.enforce_retention(4_900) == 0
    log.close()
    again = open_with(tmp_path / "log", clock)
    assert (again.begin_offset("short", 0), again.end_offset("short", 0)) == (39, 50)
    assert [record.offset for record in read_partition(again, "short", 0)] == list(range(39, 50))
    again.close()


def test_a_partition_that_lost_all_records_goes_on_with_the_next_offset(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    append_all(log, "short", 0, [b"a", b"b"], per_write=2)
    assert log.enforce_retention(10_000) == 2
    log.close()
    again = open_with(tmp_path / "log", clock)
    assert (again.begin_offset("short", 0), again.end_offset("short", 0)) == (2, 2)
    append_all(again, "short", 0, [b"c"])
    assert [(record.offset, record.value) for record in read_partition(again, "short", 0)] == [(2, b"c")]
    again.close()
    last = open_with(tmp_path / "log", clock)
    assert [(record.offset, record.value) for record in read_partition(last, "short", 0)] == [(2, b"c")]
    last.close()


def test_a_clock_that_went_back_deletes_nothing_that_is_not_old(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    for clock.now_ms in (50_000, 50_001, 10, 11):
        append_all(log, "short", 0, [b"v"])
    assert log.enforce_retention(50_500) == 0
    assert log.enforce_retention(60_000) == 4
    log.close()


def test_reading_from_an_offset_that_is_gone_says_so(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    append_all(log, "short", 0, [b"a"])
    clock.now_ms = 5_000
    append_all(log, "short", 0, [b"b"])
    log.enforce_retention(5_000)
    reader = log.reader()
    reader.add("short", 0, 0)
    with pytest.raises(FatalLogError, match=r"Offset 0 of short/0 is gone.*begin_offset"):
        reader.poll(10, 0.0)
    log.close()


def test_a_job_taker_passes_over_what_retention_took(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    source = log.jobs("short", "workers")
    append_all(log, "short", 0, [b"a"])
    clock.now_ms = 5_000
    append_all(log, "short", 0, [b"b"])
    log.enforce_retention(5_000)
    assert [record.value for record in source.take(10, 0.0)] == [b"b"]
    log.close()


def test_compaction_keeps_the_last_record_of_each_key(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    writer = log.writer()
    count = COMPACTED_AFTER + 50
    for number in range(count):
        writer.append("rows", 0, b"%d" % (number % 7), b"%d" % number, durable=False)
    writer.poll()
    assert log.enforce_retention(0) == count - 7
    assert log.enforce_retention(0) == 0
    log.close()
    again = open_with(tmp_path / "log", clock)
    records = read_partition(again, "rows", 0)
    assert [record.offset for record in records] == list(range(count - 7, count))
    assert {record.key: record.value for record in records} == {
        b"%d" % (number % 7): b"%d" % number for number in range(count - 7, count)
    }
    assert again.end_offset("rows", 0) == count
    again.close()


def test_a_reader_passes_over_the_gaps_of_a_compacted_topic(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    append_all(log, "rows", 0, [b"first"], key=b"kept")
    append_all(log, "rows", 0, [b"%d" % number for number in range(COMPACTED_AFTER)], key=b"often")
    log.enforce_retention(0)
    log.close()
    again = open_with(tmp_path / "log", clock)
    append_all(again, "rows", 0, [b"new"], key=b"new")
    reader = again.reader()
    reader.add("rows", 0, 0)
    seen = []
    while got := reader.poll(1, 0.0):
        seen += [(record.offset, record.value) for record in got]
    last = COMPACTED_AFTER
    assert seen == [(0, b"first"), (last, b"%d" % (last - 1)), (last + 1, b"new")]
    again.close()


def test_tombstones_go_after_a_day_and_take_their_key_along(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    append_all(log, "rows", 0, [b"v", b""], key=b"gone")
    append_all(log, "rows", 0, [b"v"] * COMPACTED_AFTER, key=b"filler")
    log.enforce_retention(TOMBSTONE_KEPT_MS - 1)
    assert [r.value for r in stored_rows(tmp_path, log, clock) if r.key == b"gone"] == [b""]
    log = open_with(tmp_path / "log", clock)
    append_all(log, "rows", 0, [b"v"] * COMPACTED_AFTER, key=b"filler")
    log.enforce_retention(TOMBSTONE_KEPT_MS + 1)
    assert [r.value for r in stored_rows(tmp_path, log, clock) if r.key == b"gone"] == []


def stored_rows(tmp_path: Path, log: EmbeddedLog, clock: Clock) -> list:
    """Close the log and return what is stored, without the records that were still in memory."""
    log.close()
    again = open_with(tmp_path / "log", clock)
    records = read_partition(again, "rows", 0)
    again.close()
    return records


def test_the_end_of_a_compacted_partition_survives_though_its_last_record_is_an_old_tombstone(
    tmp_path: Path, clock: Clock
) -> None:
    log = open_with(tmp_path / "log", clock)
    append_all(log, "rows", 0, [b""] * (COMPACTED_AFTER + 1), key=b"k")
    log.enforce_retention(TOMBSTONE_KEPT_MS + 1)
    log.close()
    again = open_with(tmp_path / "log", clock)
    assert again.end_offset("rows", 0) == COMPACTED_AFTER + 1
    append_all(again, "rows", 0, [b"v"], key=b"k")
    assert again.end_offset("rows", 0) == COMPACTED_AFTER + 2
    again.close()


def test_a_log_without_old_records_is_left_alone(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", now_ms=5_000)
    append_all(log, "a", 0, [b"v"])
    assert log.enforce_retention(5_500) == 0
    log.close()


def test_the_space_of_old_records_is_given_back(tmp_path: Path, clock: Clock) -> None:
    log = open_with(tmp_path / "log", clock)
    for _ in range(300):
        append_all(log, "short", 0, [os.urandom(100_000)])
    clock.now_ms = 10_000
    append_all(log, "short", 0, [b"new"])
    full = size_of(tmp_path / "log")
    assert log.enforce_retention(10_000) == 300
    assert size_of(tmp_path / "log") < full / 3
    assert [record.value for record in read_partition(log, "short", 0)] == [b"new"]
    log.close()


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
