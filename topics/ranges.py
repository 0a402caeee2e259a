"""Reading a known part of a partition, from one offset to another, in one go.

Owns the bounded wait for records that are known to be there. Following a partition is the readers' own business.
"""

from __future__ import annotations

from collections.abc import Iterator

from topics.ports import Log, Record

BATCH = 1_000
WAIT_S = 0.05
IDLE_POLLS_MAX = 200
"""Ten seconds without a record: then the log is away, and the caller sees that records are missing."""


def read_range(log: Log, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
    """Yield the records from offset `start` (inclusive) to `end` (exclusive), as far as they come in time."""
    reader = log.reader()
    try:
        reader.add(topic, partition, start)
        offset, idle = start, 0
        while offset < end and idle < IDLE_POLLS_MAX:
            records = reader.poll(BATCH, WAIT_S)
            idle = 0 if records else idle + 1
            for record in records:
                offset = record.offset + 1
                if record.offset < end:
                    yield record
    finally:
        reader.close()
