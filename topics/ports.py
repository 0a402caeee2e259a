"""What the rest of Penstock may ask of a log: append, read, own partitions, take jobs.

Owns the Protocols and the values that cross them. Three logs stand behind it (`topics/embedded` durable and in memory,
`topics/kafka`) and pass one contract suite, `tests/contract`. It owns no bytes, no topic names and no rule of the step
log.

Every object below belongs to one thread; only `Log` itself and `wake` may be called from any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec


class Record(msgspec.Struct, frozen=True):
    """A record as read back."""

    topic: str
    """Logical name as in `topics/catalog.py`, without the prefix."""
    partition: int
    offset: int
    """Offsets of a partition start at 0 and are contiguous on topics that are not compacted."""
    key: bytes
    value: bytes
    """Encoded message; empty bytes are a tombstone."""
    at_ms: int
    """When the log accepted it, Unix time in milliseconds."""
    message: Any = None
    """The decoded message where the log still had it at hand (same process); otherwise None: decode `value`."""


class Ack(msgspec.Struct, frozen=True):
    """What became of one append."""

    topic: str
    partition: int
    offset: int | None
    """None: unknown. The record may lie in the log now, later or never; never repair in place (writer's rule 5)."""
    context: Any = None
    """What the caller gave to `append`."""
    error: str | None = None


class LogError(Exception):
    """The log can't do what was asked (broker away, disk full, topic missing). The message says what to do."""

    retriable: bool = True


class FatalLogError(LogError):
    """A log error that waiting doesn't mend: wrong partition count, corruption, refused credentials."""

    retriable = False


class RecordTooLarge(LogError):
    """A value over the limit of its topic, refused where it was made."""

    retriable = False


class Writer(Protocol):
    """Appends records. Records of one writer to one partition land in order, if they land."""

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes,
        *,
        durable: bool = True,
        context: Any = None,
        message: Any = None,
    ) -> None:
        """Hand a record over; its acknowledgement comes from `poll`.

        Args:
            topic: Logical topic name.
            partition: Which partition, from `topics.catalog.partition_of` as a rule.
            key: The record's key.
            value: The encoded message.
            durable: The acknowledgement waits until a power failure can't undo the record. False acknowledges as soon
                as a killed process can't undo it; on Kafka both mean `acks=all`.
            context: Comes back in the `Ack`.
            message: The decoded message, for readers in the same process.

        Raises:
            RecordTooLarge: If the value is over the topic's limit.
            LogError: If the writer's queue is full or the log is closed.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Hand over what the block appends in one go at its end, whatever ends it: a broker then has one request less.

        A record that isn't taken then is acknowledged without an offset; `append` itself raises for its size only.
        `poll` and `outstanding` are for after the block.
        """
        ...

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        """Return acknowledgements that came in, waiting up to `timeout_s` for the first; [] if none is outstanding."""
        ...

    @property
    def outstanding(self) -> int:
        """How many appends have not been returned by `poll` yet."""
        ...

    def close(self) -> None:
        """Give up; records on their way may still land."""
        ...


class Reader(Protocol):
    """Reads partitions that the caller names, without a group."""

    def add(self, topic: str, partition: int, offset: int) -> None:
        """Read this partition too, from `offset` on (again from there if it is read already)."""
        ...

    def remove(self, topic: str, partition: int) -> None:
        """Stop reading this partition; records fetched but not returned are dropped."""
        ...

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return at once with what is there, at most `max_records`; wait up to `timeout_s` only while there is nothing.

        Records of a partition come in the order of their offsets, without gaps.
        """
        ...

    def wake(self) -> None:
        """Make a waiting `poll` return now. Any thread may call it."""
        ...

    def close(self) -> None:
        """Release what the reader holds."""
        ...


class GroupReader(Protocol):
    """Reads the partitions that a consumer group gives to this member.

    A partition that was assigned delivers nothing until its owner calls `start`: where to go on is written in the
    owner's own state (step log, SQL view), the group's committed offset is only a hint.
    """

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """As `Reader.poll`; may first call `on_assigned` and `on_revoked` (in this thread)."""
        ...

    def start(self, topic: str, partition: int, offset: int) -> None:
        """Deliver this assigned partition from `offset` on."""
        ...

    def pause(self, topic: str, partition: int) -> None:
        """Deliver nothing of this partition until `start` is called again."""
        ...

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """Leave a hint (the next offset to read) for lag displays and for members that have no other source."""
        ...

    def committed(self, topic: str, partition: int) -> int | None:
        """Return the hint, None if there is none."""
        ...

    def wake(self) -> None:
        """Make a waiting `poll` return now. Any thread may call it."""
        ...

    def close(self) -> None:
        """Leave the group at once, so that others take over without waiting for a timeout."""
        ...


class JobSource(Protocol):
    """Takes doorbells off a job queue; each record goes to one taker of the group, and is acknowledged when taken."""

    def take(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return at most `max_records` doorbells, waiting up to `timeout_s` while there is none."""
        ...

    def hand_back(self) -> None:
        """Let others have what was fetched and not taken. Called by a taker that won't take for a while."""
        ...

    def wake(self) -> None:
        """Make a waiting `take` return now. Any thread may call it."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


Assigned = Callable[[Sequence[tuple[str, int]]], None]
"""Called with (topic, partition) pairs."""


class Log(Protocol):
    """One log: a set of topics with partitions. Open one per process and role."""

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has. Raises FatalLogError if it doesn't exist."""
        ...

    def begin_offset(self, topic: str, partition: int) -> int:
        """Return the first offset that retention has left."""
        ...

    def end_offset(self, topic: str, partition: int) -> int:
        """Return the offset that the next record will get."""
        ...

    def writer(self) -> Writer:
        """Return a new writer."""
        ...

    def reader(self) -> Reader:
        """Return a new reader without partitions."""
        ...

    def group(self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Assigned) -> GroupReader:
        """Join a consumer group. `on_revoked` also tells of partitions lost without warning."""
        ...

    def jobs(self, topic: str, group: str) -> JobSource:
        """Return a taker of the job queue `topic`."""
        ...

    def close(self) -> None:
        """Close the log; what was acknowledged stays."""
        ...
