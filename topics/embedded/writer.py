"""The writer of the embedded log: gathers appends until the next poll, hands acknowledgements back in order.

Owns the queue of one writer. How records become bytes is `rocks.py`'s.
"""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from topics.embedded.partition import Partition
from topics.embedded.wakeup import Wakeup
from topics.ports import Ack, LogError, RecordTooLarge

GATHERED_MAX = 256
"""More records than this are written without waiting for a poll: the gain of a larger batch is spent by then."""

GATHERED_BYTES_MAX = 1 << 20
"""The same in bytes, so that an entry stays near a megabyte."""

OUTSTANDING_MAX = 100_000
"""A writer that isn't polled is stopped here rather than eating the memory."""

Queued = tuple[Partition, bytes, bytes, bool, Any, Any]
"""Partition, key, value, durable, context, message."""


class Sink(Protocol):
    """What a writer needs of its log."""

    def find(self, topic: str, partition: int) -> Partition:
        """Return the partition, or raise FatalLogError."""
        ...

    def write(self, writer: EmbeddedWriter) -> list[Ack]:
        """Write what the writer has queued; return acknowledgements that come at once, after those in `writer.acks`.

        What waits for a sync then gets one soon; see `hurry` and `sync_here`.
        """
        ...

    def hurry(self) -> None:
        """Somebody waits for a sync, but does something else meanwhile."""
        ...

    def sync_here(self) -> None:
        """Sync in the calling thread, unless another one is at it."""
        ...

    def stir(self) -> None:
        """Something was queued: see that it gets written even if nobody polls."""
        ...

    def leave(self, writer: EmbeddedWriter) -> None:
        """The writer is closed."""
        ...


class EmbeddedWriter:
    """See `topics.ports.Writer`.

    Appends between two polls become one write. Whoever appends and doesn't poll has them written by the log's own
    thread within some milliseconds.
    """

    def __init__(self, sink: Sink, partitions: dict[tuple[str, int], Partition]) -> None:
        self._sink = sink
        self._partitions = partitions
        self.queue: deque[Queued] = deque()
        self.acks: deque[Ack] = deque()
        """Acknowledgements that came from other threads."""
        self.wakeup = Wakeup()
        self.held: set[Partition] = set()
        """Partitions with a durable append that is not synced: what follows it there is acknowledged after it."""
        self.syncing = 0
        """Appends that wait for a sync."""
        self._queued_bytes = 0
        self._appended = 0
        self._returned = 0
        self._closed = False

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
        """See `topics.ports.Writer.append`."""
        found = self._partitions.get((topic, partition))
        if found is None:
            found = self._sink.find(topic, partition)
        size = len(value)
        if size > found.limit:
            raise RecordTooLarge(
                f"A record for {topic} has {size} bytes, its limit is {found.limit}. "
                "Keep large values in the storage and send a reference."
            )
        if self._closed:
            raise LogError("The writer is closed, or its log.")
        if self._appended - self._returned >= OUTSTANDING_MAX:
            raise LogError(f"{OUTSTANDING_MAX} appends of this writer are outstanding: poll it before appending more.")
        queue = self.queue
        queue.append((found, key, value, durable, context, message))
        self._appended += 1
        queued = len(queue)
        if queued == 1:
            self._queued_bytes = size
            self._sink.stir()
        else:
            self._queued_bytes += size
            if queued >= GATHERED_MAX or self._queued_bytes >= GATHERED_BYTES_MAX:
                self.acks.extend(self._sink.write(self))
                if self.syncing:
                    self._sink.hurry()

    def together(self) -> AbstractContextManager[None]:
        """See `topics.ports.Writer.together`; appends go together until the next poll anyhow."""
        return nullcontext()

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        """See `topics.ports.Writer.poll`."""
        wrote = bool(self.queue)
        now = self._sink.write(self) if wrote else []
        acks = self.acks
        waits = not (acks or now) and timeout_s > 0 and self._appended > self._returned and not self._closed
        if wrote and self.syncing:
            if waits:
                self._sink.sync_here()
            else:
                self._sink.hurry()
        if acks:
            now = [acks.popleft() for _ in range(len(acks))] + now
        elif waits:
            self.wakeup.wait_until(lambda: acks or self._closed, timeout_s)
            now = [acks.popleft() for _ in range(len(acks))]
        self._returned += len(now)
        return now

    @property
    def outstanding(self) -> int:
        """How many appends have not been returned by `poll` yet."""
        return self._appended - self._returned

    def close(self) -> None:
        """Write what is queued and give up its acknowledgements."""
        if not self._closed:
            self._sink.write(self)
            self._closed = True
            self._sink.leave(self)

    def detach(self) -> None:
        """The log is closed: take no more, and wait for nothing. Any thread may call it."""
        self._closed = True
        self.wakeup.notify()
