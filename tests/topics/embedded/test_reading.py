from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.topics.embedded.content import RULES, append_all, open_log, read_partition
from topics.embedded.rocks import EmbeddedLog, open_embedded_log
from topics.ports import FatalLogError, Record


@pytest.fixture
def small(tmp_path: Path) -> EmbeddedLog:
    """A log that keeps few records in memory, so that readers go to the database and back."""
    return open_embedded_log(tmp_path / "log", RULES, now_ms=lambda: 0, window_records_max=40, window_bytes_max=4000)


@pytest.mark.parametrize("per_write", [1, 3, 7])
@pytest.mark.parametrize("at_once", [1, 4, 1000])
def test_reading_crosses_from_the_database_to_memory_without_a_seam(
    small: EmbeddedLog, per_write: int, at_once: int
) -> None:
    values = [b"%d" % number for number in range(211)]
    append_all(small, "a", 0, values, per_write=per_write)
    base, kept = small.find("a", 0).window
    assert 0 < base < 211
    assert len(kept) <= 50
    records = read_partition(small, "a", 0, at_once)
    assert [record.offset for record in records] == list(range(211))
    assert [record.value for record in records] == values
    small.close()


def test_each_start_offset_is_found_inside_entries_of_several_records(small: EmbeddedLog) -> None:
    append_all(small, "a", 0, [b"%d" % number for number in range(100)], per_write=9)
    for start in range(100):
        reader = small.reader()
        reader.add("a", 0, start)
        assert [record.offset for record in reader.poll(3, 0.0)] == list(range(start, min(start + 3, 100)))
    small.close()


def test_memory_is_bounded_by_bytes_over_all_partitions(small: EmbeddedLog) -> None:
    for number in range(60):
        append_all(small, "b", number % 2, [bytes(500)])
    kept = [record for partition in (0, 1) for record in small.find("b", partition).window[1]]
    assert sum(len(record.value) for record in kept) <= 5000
    assert len(read_partition(small, "b", 0)) == 30
    small.close()


def test_a_message_is_handed_over_only_while_its_record_is_in_memory(small: EmbeddedLog) -> None:
    writer = small.writer()
    for number in range(100):
        writer.append("a", 0, b"", b"v", durable=False, message=number)
        writer.poll()
    messages = [record.message for record in read_partition(small, "a", 0)]
    assert messages[0] is None
    assert messages[-1] == 99
    small.close()


def test_a_slow_reader_stays_exact_while_memory_moves_on(small: EmbeddedLog) -> None:
    reader = small.reader()
    reader.add("a", 0, 0)
    seen: list[int] = []
    for _ in range(100):
        append_all(small, "a", 0, [b"v"] * 5)
        seen += [record.offset for record in reader.poll(3, 0.0)]
    while got := reader.poll(7, 0.0):
        seen += [record.offset for record in got]
    assert seen == list(range(500))
    small.close()


def test_readers_and_writers_in_many_threads_lose_and_reorder_nothing(tmp_path: Path) -> None:
    log = open_embedded_log(tmp_path / "log", RULES, window_records_max=500)
    writers, each = 4, 800
    seen: list[list[Record]] = [[], []]

    def write(name: int) -> None:
        writer = log.writer()
        offsets = []
        for number in range(each):
            writer.append("b", number % 2, b"%d" % name, b"%d" % number, durable=number % 50 == 0)
            offsets += [ack.offset for ack in writer.poll()]
        while writer.outstanding:
            offsets += [ack.offset for ack in writer.poll(20.0)]
        assert None not in offsets

    def read(partition: int) -> None:
        reader = log.reader()
        reader.add("b", partition, 0)
        while len(seen[partition]) < writers * each // 2:
            got = reader.poll(100, 20.0)
            assert got
            seen[partition] += got

    threads = [threading.Thread(target=write, args=(name,), daemon=True) for name in range(writers)]
    threads += [threading.Thread(target=read, args=(partition,), daemon=True) for partition in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for partition in (0, 1):
        records = seen[partition]
        assert [record.offset for record in records] == list(range(writers * each // 2))
        for name in range(writers):
            mine = [int(record.value) for record in records if record.key == b"%d" % name]
            assert mine == list(range(partition, each, 2))
    log.close()


def test_one_sync_serves_all_who_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(tmp_path / "log")
    syncs: list[int] = []
    begun, gate = threading.Event(), threading.Event()
    real = EmbeddedLog.sync

    def slow_sync(self: EmbeddedLog) -> str | None:
        syncs.append(1)
        begun.set()
        assert gate.wait(20)
        return real(self)

    monkeypatch.setattr(EmbeddedLog, "sync", slow_sync)
    writers = [log.writer() for _ in range(20)]
    writers[0].append("a", 0, b"", b"first")
    writers[0].poll()
    assert begun.wait(20)
    for writer in writers[1:]:
        writer.append("a", 0, b"", b"later")
        assert writer.poll() == []
    gate.set()
    for writer in writers:
        assert len(writer.poll(20.0)) == 1
    assert len(syncs) <= 3
    log.close()


def test_reading_from_after_the_end_is_refused_because_records_were_lost(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    append_all(log, "a", 0, [b"v"])
    reader = log.reader()
    reader.add("a", 0, 1)
    with pytest.raises(FatalLogError, match=r"Offset 2 of a/0 is wanted, but the log ends at 1.*folded anew"):
        reader.add("a", 0, 2)
    assert reader.poll(1, 0.0) == []
    log.close()


def test_an_offset_that_its_writer_has_queued_is_not_after_the_end(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    log.writer().append("a", 0, b"", b"v", durable=False)
    reader = log.reader()
    reader.add("a", 0, 1)
    assert log.end_offset("a", 0) == 1
    log.close()
