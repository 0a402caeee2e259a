"""Reads a partition from its end towards its beginning, for who looks for something that happened lately.

Owns the cutting into pieces. Which records matter, and when to stop, is for who asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from topics.ports import Log, LogError, Record

FIRST_RECORDS = 500
"""Of the piece at the end; each further one is twice as long, as what wasn't there may be far away."""
RECORDS_MAX = 20_000
"""Of a piece: they are held at once."""
POLL_SECONDS = 10.0
"""How long the log may take for the next records of a piece, all of which it has."""


def pieces_backwards(log: Log, topic: str, partition: int) -> Iterator[list[Record]]:
    """Yield what a partition holds now: the last piece first, in each piece the records in their order.

    Args:
        log: Where.
        topic: Which topic.
        partition: Of the topic.

    Raises:
        LogError: If the log can't be read.
    """
    begin, end = log.begin_offset(topic, partition), log.end_offset(topic, partition)
    size = FIRST_RECORDS
    reader = log.reader()
    try:
        while end > begin:
            first = max(begin, end - size)
            reader.add(topic, partition, first)
            piece: list[Record] = []
            at = first
            while at < end:
                polled = reader.poll(end - at, POLL_SECONDS)
                if not polled:
                    raise LogError(f"{topic}/{partition} gives no records from offset {at} on, though it ends at {end}")
                piece += [record for record in polled if record.offset < end]
                at = polled[-1].offset + 1
            yield piece
            end, size = first, min(size * 2, RECORDS_MAX)
    finally:
        reader.close()
