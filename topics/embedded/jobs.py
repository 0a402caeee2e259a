"""Job queues of the embedded log: whoever is free takes, each partition in its order, everything once.

Owns the shared place of a group in a queue. A place moves when records are taken and is stored with the next sync, so a
crash may bring the doorbells of its last moments again, which their claims make harmless.
"""

from __future__ import annotations

import threading

from topics.embedded.cursor import Cursor
from topics.embedded.layout import hint_key
from topics.embedded.reader import Source
from topics.embedded.tables import Tables
from topics.embedded.wakeup import Wakeup
from topics.ports import LogError, Record


class JobQueue:
    """Where one group stands in one topic; shared by its takers."""

    def __init__(self, cursors: list[Cursor], tables: Tables, group: str) -> None:
        self._lock = threading.Lock()
        self._cursors = cursors
        self._tables = tables
        self._hints = {cursor: hint_key(group, cursor.partition.topic, cursor.partition.number) for cursor in cursors}

    def listen(self, wakeup: Wakeup) -> None:
        """Tell this taker of new records."""
        for cursor in self._cursors:
            cursor.partition.listen(wakeup)

    def ignore(self, wakeup: Wakeup) -> None:
        """Tell it no longer."""
        for cursor in self._cursors:
            cursor.partition.ignore(wakeup)

    def ready(self) -> bool:
        """Tell whether a record waits."""
        return any(cursor.next < cursor.partition.end for cursor in self._cursors)

    def take(self, room: int) -> list[Record]:
        """Take the next records, at most `room`."""
        got: list[Record] = []
        if not self.ready():
            return got
        with self._lock:
            cursors = self._cursors
            for cursor in cursors:
                if room <= 0:
                    break
                # Records that retention removed can't be taken any more.
                cursor.next = max(cursor.next, cursor.partition.begin)
                taken = cursor.take(room)
                if taken:
                    got += taken
                    room -= len(taken)
                    self._tables.set_hint(self._hints[cursor], cursor.next)
            if len(cursors) > 1 and got:
                self._cursors = [*cursors[1:], cursors[0]]
        return got


class EmbeddedJobs:
    """See `topics.ports.JobSource`."""

    def __init__(self, queue: JobQueue, source: Source) -> None:
        self._queue = queue
        self._source = source
        self._wakeup = Wakeup()
        self._woken = False
        self._closed = False
        queue.listen(self._wakeup)

    def take(self, max_records: int, timeout_s: float) -> list[Record]:
        """See `topics.ports.JobSource.take`."""
        if self._closed or self._source.closed:
            raise LogError("The log is closed." if self._source.closed else "The job source is closed.")
        got = self._queue.take(max_records)
        if not got and self._source.write_queued():
            got = self._queue.take(max_records)
        if not got and timeout_s > 0:
            taken: list[Record] = []

            def ready() -> bool:
                # Another taker may be quicker; so whoever is woken tries, and waits again if nothing is left.
                taken.extend(self._queue.take(max_records))
                return bool(taken) or self._woken or self._source.closed

            self._wakeup.wait_until(ready, timeout_s)
            got = taken
        self._woken = False
        return got

    def hand_back(self) -> None:
        """See `topics.ports.JobSource.hand_back`; nothing is fetched before it is taken."""

    def wake(self) -> None:
        """See `topics.ports.JobSource.wake`."""
        self._woken = True
        self._wakeup.notify()

    def close(self) -> None:
        """See `topics.ports.JobSource.close`."""
        self._closed = True
        self._queue.ignore(self._wakeup)
