"""Copies what is whole of a damaged embedded log into a new directory. A last resort, for when there is no backup.

Owns the rule of how much is kept: the write-ahead log up to its first damage, and of each partition everything before
its first damaged or missing entry. It never changes the damaged directory. What is lost is said, per partition.

    python -m topics.embedded.salvage DIRECTORY NEW_DIRECTORY
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rocksdict import Rdict

from topics.embedded.directory_lock import DirectoryLock
from topics.embedded.layout import (
    FORMAT_KEY,
    HINT_PREFIX,
    STATE_PREFIX,
    TOPIC_PREFIX,
    Damaged,
    PartitionMeta,
    TopicMeta,
    entry_key,
    entry_prefix,
    head,
    offset_of,
    state_key,
    unpack,
)
from topics.embedded.rules import catalog_compacted
from topics.embedded.store import DATABASE, open_database
from topics.ports import LogError


class Salvaged(msgspec.Struct, frozen=True):
    """What became of one partition."""

    topic: str
    partition: int
    end: int
    """Offset of the next record in the new log."""
    damage: str | None
    """Why it ends there, or None if its stored entries were whole. Then records may be missing after `end` all the
    same, if the write-ahead log was damaged."""


def salvage(directory: Path | str, new_directory: Path | str) -> list[Salvaged]:
    """Copy what is whole into a new directory.

    Args:
        directory: The damaged log; no process may have it open. It stays as it is.
        new_directory: Must not exist.

    Raises:
        LogError: If the new directory exists, the old one is open elsewhere, or too little is left to open it.
    """
    old, new = Path(directory), Path(new_directory)
    if new.exists():
        raise LogError(f"{new} exists. Name a directory that doesn't, on a disk with twice the log's size free.")
    lock = DirectoryLock(old)
    scratch = new / "damaged-copy"
    try:
        new.mkdir(mode=0o700, parents=True)
        shutil.copytree(old / DATABASE, scratch)
        source = open_database(scratch, salvaging=True)
        target = open_database(new / DATABASE)
        try:
            return _copy(source, target)
        finally:
            source.close()
            target.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


def _copy(source: Rdict, target: Rdict) -> list[Salvaged]:
    topics: list[tuple[str, TopicMeta]] = []
    for prefix in (FORMAT_KEY, TOPIC_PREFIX, STATE_PREFIX, HINT_PREFIX):
        for key, value in _scan(source, prefix, prefix):
            target.put(key, value)
            if prefix == TOPIC_PREFIX:
                topics.append((key[len(prefix) :].decode(), msgspec.msgpack.decode(value, type=TopicMeta)))
    return [
        _copy_partition(source, target, topic, meta.number, number)
        for topic, meta in topics
        for number in range(meta.partitions)
    ]


def _copy_partition(source: Rdict, target: Rdict, topic: str, topic_number: int, number: int) -> Salvaged:
    prefix = entry_prefix(topic_number, number)
    stored = source.get(state_key(topic_number, number))
    begin = 0 if stored is None else msgspec.msgpack.decode(stored, type=PartitionMeta).begin
    gaps_allowed = catalog_compacted(topic)
    end, chain = begin, b""
    try:
        for key, value in _scan(source, prefix, entry_key(prefix, begin)):
            about = head(value)
            unpack(key, value)
            first = offset_of(key)
            if first == end and chain and about.before != chain:
                raise Damaged("the next entry doesn't follow on the last")
            if first != end and not gaps_allowed:
                raise Damaged("the next record is missing")
            target.put(key, value)
            end, chain = first + about.records, about.own
    except Exception as error:  # whatever RocksDB says of a block it can't read
        return Salvaged(topic, number, end, str(error))
    return Salvaged(topic, number, end, None)


def _scan(database: Rdict, prefix: bytes, start: bytes) -> Iterator[tuple[bytes, bytes]]:
    stored = database.iter()
    stored.seek(start)
    while stored.valid() and stored.key().startswith(prefix):
        yield stored.key(), stored.value()
        stored.next()
    stored.status()


def main() -> None:
    """Salvage from the command line, and say what was kept."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        kept = salvage(sys.argv[1], sys.argv[2])
    except LogError as error:
        sys.exit(str(error))
    for one in kept:
        print(
            f"{one.topic}/{one.partition}: kept up to offset {one.end}"
            + (f", then: {one.damage}" if one.damage else "")
        )


if __name__ == "__main__":
    main()
