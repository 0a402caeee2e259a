from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.topics.embedded.content import open_log, read_partition
from topics.embedded.rocks import EmbeddedLog
from topics.embedded.store import DATABASE
from topics.ports import Ack

PLACES = [("a", 0), ("b", 0), ("b", 1)]


class Disk:
    """Knows how much of the write-ahead log was synced, and what a power failure would leave of it."""

    def __init__(self, log: EmbeddedLog, directory: Path) -> None:
        self._directory = directory
        self._database = log._store.database
        self.synced = 0
        log._store.database = self

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    def flush_wal(self, sync: bool) -> None:
        size = self._journal(self._directory).stat().st_size
        self._database.flush_wal(sync)
        self.synced = size

    def after_power_failure(self, scratch: Path) -> Path:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(self._directory, scratch)
        with self._journal(scratch).open("r+b") as journal:
            journal.truncate(self.synced)
        return scratch

    @staticmethod
    def _journal(directory: Path) -> Path:
        [journal] = (directory / DATABASE).glob("*.log")
        return journal


def test_a_power_failure_takes_no_record_that_was_acknowledged_as_durable(tmp_path: Path) -> None:
    dice = random.Random(4)
    log = open_log(tmp_path / "log")
    disk = Disk(log, tmp_path / "log")
    writer = log.writer()
    durable: dict[tuple[str, int, int], int] = {}
    number = 0
    for _ in range(25):
        acks: list[Ack] = []
        for _ in range(dice.randrange(1, 30)):
            topic, partition = dice.choice(PLACES)
            is_durable = dice.random() < 0.4
            writer.append(topic, partition, b"", b"%d" % number, durable=is_durable, context=(number, is_durable))
            number += 1
            if dice.random() < 0.2:
                acks += writer.poll()
        acks += writer.poll(5.0)
        for ack in acks:
            if ack.context[1]:
                assert ack.offset is not None
                durable[ack.topic, ack.partition, ack.offset] = ack.context[0]
        left = open_log(disk.after_power_failure(tmp_path / "left"))
        stored = {
            (record.topic, record.partition, record.offset): int(record.value)
            for place in PLACES
            for record in read_partition(left, *place)
        }
        left.close()
        assert durable.items() <= stored.items()
        assert sorted(stored.values()) == list(range(len(stored)))
    assert len(durable) > 50
    log.close()
