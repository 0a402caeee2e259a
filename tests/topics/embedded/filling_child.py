"""Fills the disk under a log until appends fail, reads all the same, makes room, and goes on; prints what it saw.

Runs in a mount namespace of its own, on a small file system in memory. Run: filling_child.py MOUNT_POINT
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from topics.embedded.rocks import EmbeddedLog, open_embedded_log
from topics.embedded.rules import TopicRules
from topics.ports import Ack

BALLOON_BYTES = 40 << 20
PATIENCE_S = 60.0


def append(log: EmbeddedLog, number: int, durable: bool) -> Ack:
    writer = log.writer()
    writer.append("a", 0, b"k", b"%d " % number + os.urandom(20_000), durable=durable, context=number)
    [ack] = writer.poll(20.0)
    writer.close()
    return ack


def stored(log: EmbeddedLog) -> list[int]:
    reader = log.reader()
    reader.add("a", 0, 0)
    numbers: list[int] = []
    while got := reader.poll(100, 0.0):
        numbers += [int(record.value.split(b" ", 1)[0]) for record in got]
    return numbers


def main(mount_point: Path) -> None:
    balloon = mount_point / "balloon"
    balloon.write_bytes(bytes(BALLOON_BYTES))
    log = open_embedded_log(mount_point / "log", TopicRules({"a": 1}))
    acknowledged: list[int] = []
    number = 0
    while True:
        ack = append(log, number, durable=number % 2 == 0)
        if ack.offset is None:
            break
        acknowledged.append(number)
        number += 1
    error = ack.error
    full = stored(log)
    again = append(log, number + 1, durable=False)
    balloon.unlink()
    gave_up = time.monotonic() + PATIENCE_S
    idle = log.reader()
    while (ack := append(log, number + 2, durable=True)).offset is None and time.monotonic() < gave_up:
        idle.poll(1, 0.1)
    recovered = ack.offset
    acknowledged.append(number + 2)
    log.close()
    log = open_embedded_log(mount_point / "log", TopicRules({"a": 1}))
    print(
        json.dumps(
            {
                "acknowledged": acknowledged,
                "error": error,
                "full": full,
                "again": again.offset,
                "recovered": recovered,
                "reopened": stored(log),
            }
        )
    )
    log.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
