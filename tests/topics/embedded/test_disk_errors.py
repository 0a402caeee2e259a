from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.topics.embedded.content import append_all, open_log, read_partition
from topics.embedded.partition import Partition
from topics.embedded.rocks import EmbeddedLog
from topics.ports import Ack

PATIENCE_S = 30.0


class Failing:
    """A database one of whose methods fails; opening anew puts a healthy one in its place."""

    def __init__(self, database: Any, method: str, *, after: bool = False) -> None:
        self._database = database
        self._method = method
        self._after = after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._database, name)
        if name != self._method:
            return real

        def fail(*args: Any) -> None:
            if self._after:
                real(*args)
            raise OSError("IO error: the disk made a noise")

        return fail


def break_disk(log: EmbeddedLog, method: str, *, after: bool = False) -> None:
    log._store.database = Failing(log._store.database, method, after=after)


def append(log: EmbeddedLog, value: bytes, *, durable: bool) -> Ack:
    writer = log.writer()
    writer.append("a", 0, b"", value, durable=durable, context=value)
    [ack] = writer.poll(PATIENCE_S)
    writer.close()
    return ack


def until_accepted(attempt: Callable[[], Ack]) -> Ack:
    end = time.monotonic() + PATIENCE_S
    while True:
        ack = attempt()
        if ack.offset is not None:
            return ack
        assert time.monotonic() < end, ack.error


@pytest.mark.parametrize("durable", [True, False])
def test_a_refused_write_is_unknown_and_the_log_goes_on(tmp_path: Path, durable: bool) -> None:
    log = open_log(tmp_path / "log")
    append_all(log, "a", 0, [b"0", b"1"], per_write=2)
    break_disk(log, "put")
    ack = append(log, b"refused", durable=durable)
    assert (ack.offset, ack.context) == (None, b"refused")
    assert "noise" in (ack.error or "")
    assert until_accepted(lambda: append(log, b"2", durable=durable)).offset == 2
    assert [record.value for record in read_partition(log, "a", 0)] == [b"0", b"1", b"2"]
    log.close()
    again = open_log(tmp_path / "log")
    assert [record.value for record in read_partition(again, "a", 0)] == [b"0", b"1", b"2"]
    again.close()


def test_a_refused_write_that_reached_the_disk_lands_once(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    append_all(log, "a", 0, [b"0"])
    break_disk(log, "put", after=True)
    assert append(log, b"1", durable=False).offset is None
    assert until_accepted(lambda: append(log, b"2", durable=True)).offset == 2
    assert [record.value for record in read_partition(log, "a", 0)] == [b"0", b"1", b"2"]
    log.close()
    again = open_log(tmp_path / "log")
    assert [record.value for record in read_partition(again, "a", 0)] == [b"0", b"1", b"2"]
    again.close()


def test_a_failed_sync_leaves_durable_appends_unknown_and_the_others_acknowledged(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    break_disk(log, "flush_wal")
    ack = append(log, b"0", durable=True)
    assert ack.offset is None
    assert "noise" in (ack.error or "")
    assert until_accepted(lambda: append(log, b"1", durable=True)).offset == 1
    assert [record.value for record in read_partition(log, "a", 0)] == [b"0", b"1"]
    log.close()


def test_several_partitions_of_a_refused_write_are_all_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    break_disk(log, "write")
    writer = log.writer()
    for number in range(6):
        writer.append("b", number % 2, b"", b"v", durable=number % 3 == 0, context=number)
    acks: list[Ack] = []
    while writer.outstanding:
        acks += writer.poll(PATIENCE_S)
    assert [ack.offset for ack in acks] == [None] * 6
    assert [ack.context for ack in acks] == list(range(6))
    log.close()


def test_an_interrupt_in_the_middle_of_a_write_leaves_a_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path / "log")
    append_all(log, "a", 0, [b"0"])

    def interrupted(self: Partition, chain: bytes) -> int:
        self.window[1].extend(self.fresh)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Partition, "publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            append(log, b"1", durable=False)
    assert until_accepted(lambda: append(log, b"2", durable=True)).offset == 2
    log.close()
    again = open_log(tmp_path / "log")
    assert [record.value for record in read_partition(again, "a", 0)] == [b"0", b"1", b"2"]
    again.close()


def test_readers_that_wait_see_what_comes_after_an_error(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    reader = log.reader()
    reader.add("a", 0, 0)
    append_all(log, "a", 0, [b"0"])
    assert [record.value for record in reader.poll(10, 0.0)] == [b"0"]
    break_disk(log, "put")
    append(log, b"refused", durable=False)
    until_accepted(lambda: append(log, b"1", durable=False))
    assert [record.value for record in reader.poll(10, PATIENCE_S)] == [b"1"]
    log.close()
