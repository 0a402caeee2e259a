from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.topics.embedded.content import append_all, open_log
from topics.catalog import EXECUTIONS_EVENTS, FLOWS_EVENTS, JOBS_PREFIX
from topics.embedded.layout import FORMAT_KEY
from topics.embedded.rocks import open_embedded_log
from topics.embedded.rules import catalog_partitions
from topics.embedded.store import DATABASE, open_database
from topics.ports import FatalLogError, LogError

ROOT = Path(__file__).parents[3]


def test_a_directory_that_is_open_is_refused_with_who_has_it(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    with pytest.raises(FatalLogError, match=f"process {os.getpid()} .*Stop that process"):
        open_log(tmp_path / "log")
    log.close()
    open_log(tmp_path / "log").close()


def test_another_process_is_refused_too(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    code = (
        "import sys; from topics.embedded.rocks import open_embedded_log\n"
        "try: open_embedded_log(sys.argv[1], {'a': 1})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert f"FatalLogError The log in {tmp_path / 'log'} is open in process {os.getpid()} " in done.stdout
    log.close()


def test_the_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    open_log(tmp_path / "log").close()
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700


def test_another_partition_count_is_refused_with_the_remedy(tmp_path: Path) -> None:
    log = open_embedded_log(tmp_path / "log", {"b": 2})
    append_all(log, "b", 1, [b"v"])
    log.close()
    with pytest.raises(FatalLogError, match=r"b was created with 2 partitions.*Set the partition count back to 2"):
        open_embedded_log(tmp_path / "log", {"b": 3})
    again = open_embedded_log(tmp_path / "log", {"b": 2})
    assert again.end_offset("b", 1) == 1
    again.close()


def test_a_topic_that_the_rules_no_longer_name_stays_readable(tmp_path: Path) -> None:
    log = open_embedded_log(tmp_path / "log", {"b": 2})
    append_all(log, "b", 1, [b"v"])
    log.close()
    again = open_embedded_log(tmp_path / "log", {"a": 1})
    assert (again.partitions("b"), again.end_offset("b", 1)) == (2, 1)
    again.close()


def test_a_log_of_another_format_is_refused(tmp_path: Path) -> None:
    open_log(tmp_path / "log").close()
    database = open_database(tmp_path / "log" / DATABASE)
    database[FORMAT_KEY] = b"\x63"
    database.close()
    with pytest.raises(FatalLogError, match="format 99"):
        open_log(tmp_path / "log")


def test_the_catalogs_topics_have_the_partitions_that_are_asked_for(tmp_path: Path) -> None:
    log = open_embedded_log(tmp_path / "log", catalog_partitions(4))
    assert log.partitions(EXECUTIONS_EVENTS) == 4
    assert log.partitions(FLOWS_EVENTS) == 1
    assert log.partitions(JOBS_PREFIX + "gpu") == 4
    with pytest.raises(FatalLogError):
        log.partitions("nowhere")
    log.close()


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    writer, reader, source = log.writer(), log.reader(), log.jobs("jobs.default", "g")
    reader.add("a", 0, 0)
    log.close()
    log.close()
    with pytest.raises(LogError, match="closed"):
        writer.append("a", 0, b"", b"")
    with pytest.raises(LogError, match="closed"):
        reader.poll(1, 0.0)
    with pytest.raises(LogError, match="closed"):
        source.take(1, 0.0)
    with pytest.raises(LogError, match="closed"):
        log.writer()


def test_closing_delivers_acknowledgements_that_waited_for_a_sync(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    writer = log.writer()
    writer.append("a", 0, b"", b"v", durable=True, context="x")
    log.close()
    assert [(ack.offset, ack.context) for ack in writer.poll()] == [(0, "x")]


def test_timestamps_come_from_the_clock_that_was_given(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", now_ms=123_456)
    append_all(log, "a", 0, [b"v"])
    log.close()
    again = open_log(tmp_path / "log", now_ms=999_999)
    reader = again.reader()
    reader.add("a", 0, 0)
    assert [record.at_ms for record in reader.poll(1, 0.0)] == [123_456]
    again.close()
