from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.topics.embedded.content import append_all, open_log, read_all
from topics.embedded.integrity import journal_damage
from topics.embedded.salvage import salvage
from topics.embedded.store import DATABASE
from topics.ports import FatalLogError, LogError

Content = dict[tuple[str, int], list[tuple[int, bytes, bytes]]]
ROOT = Path(__file__).parents[3]
CASES = 200


class Original:
    """A log's directory as a crash leaves it, and what was in it."""

    def __init__(self, directory: Path, content: Content, scratch: Path) -> None:
        self.directory = directory
        self.content = content
        self._scratch = scratch

    def file(self, pattern: str) -> Path:
        return max((self.directory / DATABASE).glob(pattern), key=lambda path: path.stat().st_size)

    def with_bytes(self, path: Path, data: bytes) -> Path:
        """Return a copy of the directory in which this file has these bytes."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        shutil.copytree(self.directory, self._scratch)
        (self._scratch / path.relative_to(self.directory)).write_bytes(data)
        return self._scratch


def write_some(directory: Path, count: int) -> Content:
    """Fill a log, copy its directory to `original` while it is open, and return what was in it."""
    dice = random.Random(7)
    log = open_log(directory)
    for number in range(count):
        topic, partition = dice.choice([("a", 0), ("b", 0), ("b", 1)])
        values = [b"%d " % number + dice.randbytes(dice.randrange(300)) for _ in range(dice.randrange(1, 4))]
        append_all(log, topic, partition, values, per_write=len(values))
    content = read_all(log)
    shutil.copytree(directory, directory.parent / "original")
    log.close()
    return content


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """All records lie in the write-ahead log."""
    base = tmp_path_factory.mktemp("journal")
    content = write_some(base / "log", 120)
    return Original(base / "original", content, base / "case")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """All records lie in tables and blob files."""
    base = tmp_path_factory.mktemp("tables")
    content = write_some(base / "log", 120)
    open_log(base / "original").close()
    return Original(base / "original", content, base / "case")


def read_copy(directory: Path) -> Content:
    log = open_log(directory)
    try:
        return read_all(log)
    finally:
        log.close()


def is_prefix(content: Content, of: Content) -> bool:
    return all(records == of[place][: len(records)] for place, records in content.items())


def flipped(data: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize("part", range(4))
def test_a_torn_end_opens_as_an_exact_prefix(journal: Original, part: int) -> None:
    path = journal.file("*.log")
    whole = path.read_bytes()
    dice = random.Random(part)
    cuts = [len(whole) - 1 - at for at in range(part, CASES // 2, 4)]
    cuts += [dice.randrange(len(whole)) for _ in range(CASES // 8)]
    lengths = set()
    for cut in cuts:
        content = read_copy(journal.with_bytes(path, whole[:cut]))
        assert is_prefix(content, journal.content), cut
        lengths.add(sum(len(records) for records in content.values()))
    assert len(lengths) > 5


@pytest.mark.parametrize("part", range(4))
def test_a_flipped_bit_in_the_write_ahead_log_is_refused_with_what_to_do(journal: Original, part: int) -> None:
    path = journal.file("*.log")
    whole = path.read_bytes()
    dice = random.Random(100 + part)
    for _ in range(CASES // 4):
        at, bit = dice.randrange(len(whole)), dice.randrange(8)
        damaged = journal.with_bytes(path, flipped(whole, at, bit))
        with pytest.raises(FatalLogError, match=r"damaged.*backup"):
            open_log(damaged)


def test_no_flipped_bit_in_a_journal_records_header_passes_for_a_torn_end(journal: Original) -> None:
    path = journal.file("*.log")
    whole = path.read_bytes()
    at = 0
    headers = []
    while at < len(whole):
        headers.append(at)
        at += 7 + int.from_bytes(whole[at + 4 : at + 6], "little")
    assert at == len(whole)
    assert len(headers) > 100
    for header in (*headers[:2], *headers[-3:], *random.Random(1).sample(headers, 3)):
        for bit in range(32, 56):
            damaged = journal.with_bytes(path, flipped(whole, header + bit // 8, bit % 8))
            with pytest.raises(FatalLogError):
                open_log(damaged)


def test_no_torn_journal_passes_for_a_damaged_one(journal: Original) -> None:
    whole = journal.file("*.log").read_bytes()
    for cut in range(len(whole) - 4000, len(whole)):
        assert journal_damage(whole[:cut]) is None, cut


@pytest.mark.parametrize("pattern", ["*.blob", "*.sst", "MANIFEST-*", "CURRENT"])
def test_a_flipped_bit_in_any_file_is_noticed_or_harmless(tables: Original, pattern: str) -> None:
    path = tables.file(pattern)
    whole = path.read_bytes()
    dice = random.Random(3)
    noticed = 0
    for _ in range(40):
        at, bit = dice.randrange(len(whole)), dice.randrange(8)
        try:
            content = read_copy(tables.with_bytes(path, flipped(whole, at, bit)))
        except LogError:
            noticed += 1
        else:
            assert content == tables.content, (pattern, at, bit)
    assert noticed > 5


@pytest.mark.parametrize("pattern", ["*.blob", "*.sst", "MANIFEST-*", "CURRENT"])
def test_a_missing_file_is_noticed(tables: Original, pattern: str) -> None:
    path = tables.file(pattern)
    damaged = tables.with_bytes(path, b"")
    (damaged / path.relative_to(tables.directory)).unlink()
    with pytest.raises(LogError):
        read_copy(damaged)


def test_an_error_of_a_read_says_which_partition_and_offset(tables: Original) -> None:
    path = tables.file("*.blob")
    whole = path.read_bytes()
    damaged = tables.with_bytes(path, whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])
    with pytest.raises(FatalLogError, match=r"[ab]/\d.* (its end|offset \d+)"):
        read_copy(damaged)


def rewrite_entry(directory: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Change the stored entry of a/0 at offset 3 as no disk error could: every checksum of RocksDB holds."""
    from topics.embedded.layout import entry_key, entry_prefix
    from topics.embedded.store import open_database

    log = open_log(directory)
    append_all(log, "a", 0, [b"%d" % number for number in range(10)])
    number = log.find("a", 0).topic_number
    log.close()
    database = open_database(directory / DATABASE)
    key = entry_key(entry_prefix(number, 0), 3)
    changed = change(database[key])
    if changed is None:
        del database[key]
    else:
        database[key] = changed
    database.close()


@pytest.mark.parametrize("change", [lambda value: value[:-1] + b"!", lambda value: None, lambda value: value[:5]])
def test_the_chain_notices_what_rocksdb_can_not(tmp_path: Path, change: Callable[[bytes], bytes | None]) -> None:
    rewrite_entry(tmp_path / "log", change)
    with pytest.raises(FatalLogError, match=r"a/0 is damaged at offset"):
        open_log(tmp_path / "log")


def test_salvage_keeps_what_lies_before_the_damage(journal: Original, tmp_path: Path) -> None:
    path = journal.file("*.log")
    whole = path.read_bytes()
    damaged = journal.with_bytes(path, flipped(whole, len(whole) // 2, 3))
    kept = salvage(damaged, tmp_path / "new")
    content = read_copy(tmp_path / "new")
    assert is_prefix(content, journal.content)
    assert 20 < sum(len(records) for records in content.values()) < sum(len(r) for r in journal.content.values())
    assert {(one.topic, one.partition): one.end for one in kept} == {
        place: len(records) for place, records in content.items() if place[0] in "ab"
    }
    with pytest.raises(FatalLogError):
        open_log(damaged)


def test_salvage_cuts_a_partition_before_its_first_damaged_entry(tmp_path: Path) -> None:
    rewrite_entry(tmp_path / "log", lambda value: None)
    kept = salvage(tmp_path / "log", tmp_path / "new")
    assert [(one.topic, one.end, one.damage) for one in kept if one.topic == "a"] == [
        ("a", 3, "the next record is missing")
    ]
    content = read_copy(tmp_path / "new")
    assert [value for _, _, value in content["a", 0]] == [b"0", b"1", b"2"]


def test_salvage_of_a_healthy_log_keeps_everything(journal: Original, tmp_path: Path) -> None:
    salvage(journal.directory, tmp_path / "new")
    assert read_copy(tmp_path / "new") == journal.content


def test_salvage_runs_from_the_command_line_as_the_errors_say(journal: Original, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "topics.embedded.salvage", str(journal.directory), str(tmp_path / "new")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "a/0: kept up to offset" in done.stdout
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert again.returncode == 1
    assert "exists" in again.stderr
