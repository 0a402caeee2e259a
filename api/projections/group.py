"""The views of several API processes in one database: each writes the partitions that the group gives it, all tell.

Owns the division of labour. A process writes assigned partitions only, but reads all of them for its own requests and
followers; what it read is told when the views have it, whoever wrote it (a notification says so).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from api.projections import partitions, tables
from api.projections.batch import Batch
from api.projections.database import ViewsUnavailable
from api.projections.fan_out import FanOut
from api.projections.partitions import Partition
from api.projections.perseverance import Perseverance
from api.projections.postgres import PostgresConnection, PostgresDatabase
from api.projections.tail import IDLE_S, fold_record
from api.projections.write import FlowFacts, Overtaken, write_batch
from topics.ports import GroupReader, Log, LogError, Reader

logger = logging.getLogger(__name__)

GROUP = "views"
HELD_MAX = 10_000
"""Batches that wait for the views, of all partitions; beyond it the oldest are told early, so memory stays bounded."""

Key = tuple[str, int]


class HeldNews:
    """What was read of the log and isn't in the views yet; any thread may call it."""

    def __init__(self, fan_out: FanOut) -> None:
        self._fan_out = fan_out
        self._lock = threading.Lock()
        self._held: dict[Key, deque[tuple[int, Batch]]] = {}
        self._count = 0
        self._passed: dict[Key, int] = {}
        self._ends: dict[Key, int] = {}
        self.caught_up = threading.Event()

    def begin(self, stored: dict[Key, int], ends: dict[Key, int]) -> None:
        """Say where the views and the log stand at the beginning."""
        with self._lock:
            self._ends = dict(ends)
            for key, offset in stored.items():
                self._passed[key] = max(offset, self._passed.get(key, 0))
            self._look()

    def hold(self, key: Key, offset: int, batch: Batch) -> None:
        """Tell `batch` as soon as the views stand at `offset` or beyond."""
        with self._lock:
            if self._passed.get(key, 0) >= offset and not self._held.get(key):
                self._fan_out.publish(batch)
                return
            self._held.setdefault(key, deque()).append((offset, batch))
            self._count += 1
            if self._count > HELD_MAX:
                oldest = next(queue for queue in self._held.values() if queue)
                self._fan_out.publish(oldest.popleft()[1])
                self._count -= 1

    def passed(self, key: Key, offset: int) -> None:
        """Say that the views have everything before `offset`."""
        with self._lock:
            if offset <= self._passed.get(key, 0):
                return
            self._passed[key] = offset
            queue = self._held.get(key)
            while queue and queue[0][0] <= offset:
                self._fan_out.publish(queue.popleft()[1])
                self._count -= 1
            if not self.caught_up.is_set():
                self._look()

    def _look(self) -> None:
        if all(self._passed.get(key, 0) >= end for key, end in self._ends.items()):
            self.caught_up.set()


class GroupTail:
    """As `Tail`, for processes that share PostgreSQL."""

    def __init__(
        self,
        log: Log,
        database: PostgresDatabase,
        fan_out: FanOut,
        facts: FlowFacts,
        batch_records: int,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._log = log
        self._database = database
        self._facts = facts
        self._batch_records = batch_records
        self._news = HeldNews(fan_out)
        self._stopping = threading.Event()
        self._wakes: list[Callable[[], None]] = []
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (("views", self._write), ("views-news", self._read), ("views-passed", self._listen))
        ]
        passing = (*database.lost, ViewsUnavailable, LogError)
        self._perseverance = Perseverance(self._stopping, passing, on_failure)

    @property
    def failure(self) -> BaseException | None:
        """What ended one of the threads, None while they all run."""
        return self._perseverance.failure

    @property
    def trouble(self) -> str | None:
        """Why the views fall behind; None while they don't."""
        return self._perseverance.trouble

    @property
    def caught_up(self) -> threading.Event:
        """Set when the views hold everything that was in the log when the process began."""
        return self._news.caught_up

    def start(self) -> None:
        """Begin to tail."""
        self._database.prepare()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the batches in hand, leave the group, and wait for the threads."""
        self._stopping.set()
        for wake in list(self._wakes):
            wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _guarded(self, work: Callable[[PostgresConnection], None]) -> None:
        """Do one of the three works with a connection of its own, again after failures of the passing kind."""

        def with_connection() -> None:
            connection = self._database.writer()
            try:
                work(connection)
            finally:
                connection.close()

        self._perseverance.keep_at(with_connection)

    # -- writing the assigned partitions

    def _write(self, connection: PostgresConnection) -> None:
        own = _Assigned(self._log, connection, self._news, self._facts, self._batch_records, self._wakes)
        own.run(self._stopping, self._perseverance.well)

    # -- reading all partitions for this process's own requests

    def _read(self, connection: PostgresConnection) -> None:
        reader = self._log.reader()
        wake = self._track(reader)
        try:
            found = partitions.load(connection, self._log, partitions.all_partitions(self._log))
            ends = {key: self._log.end_offset(*key) for key in found}
            self._news.begin({key: p.stored or 0 for key, p in found.items()}, ends)
            for key, partition in found.items():
                reader.add(*key, partition.fold.offset)
            while not self._stopping.is_set():
                batches: dict[Key, Batch] = {}
                for record in reader.poll(self._batch_records, IDLE_S):
                    key = (record.topic, record.partition)
                    fold_record(batches.setdefault(key, Batch()), found[key], record)
                for key, batch in batches.items():
                    if batch or batch.answers:
                        self._news.hold(key, found[key].fold.offset, batch)
                self._perseverance.well()
        finally:
            self._wakes.remove(wake)
            reader.close()

    def _track(self, reader: Reader) -> Callable[[], None]:
        wake = reader.wake
        self._wakes.append(wake)
        return wake

    # -- hearing where the views stand

    def _listen(self, connection: PostgresConnection) -> None:
        connection.listen()
        for topic, number, offset, *_ in connection.query(tables.READ_POSITIONS):
            self._news.passed((topic, number), offset)
        while not self._stopping.is_set():
            for payload in connection.notified(IDLE_S):
                for moved in payload.split(","):
                    topic, number, offset = moved.rsplit(":", 2)
                    self._news.passed((topic, int(number)), int(offset))
                if self._stopping.is_set():
                    return
            self._perseverance.well()


class _Assigned:
    """Writes the partitions that the group gives to this process; lives in one thread."""

    def __init__(
        self,
        log: Log,
        connection: PostgresConnection,
        news: HeldNews,
        facts: FlowFacts,
        batch_records: int,
        wakes: list[Callable[[], None]],
    ) -> None:
        self._log = log
        self._connection = connection
        self._news = news
        self._facts = facts
        self._batch_records = batch_records
        self._wakes = wakes
        self._own: dict[Key, Partition] = {}
        self._new: list[Key] = []

    def run(self, stopping: threading.Event, well: Callable[[], None]) -> None:
        """Fold and write until told to stop; `well` is called when a batch was written."""
        reader = self._log.group(GROUP, partitions.TOPICS, self._assigned, self._revoked)
        wake = reader.wake
        self._wakes.append(wake)
        try:
            while not stopping.is_set():
                records = reader.poll(self._batch_records, IDLE_S)
                self._begin(reader)
                batch, touched = Batch(), {}
                for record in records:
                    key = (record.topic, record.partition)
                    partition = self._own.get(key)
                    if partition is not None:
                        touched[key] = partition
                        fold_record(batch, partition, record)
                if touched:
                    self._apply(batch, touched)
                self._begin(reader)
                well()
        finally:
            self._wakes.remove(wake)
            reader.close()

    def _assigned(self, keys: Sequence[Key]) -> None:
        self._new.extend(keys)

    def _revoked(self, keys: Sequence[Key]) -> None:
        for key in keys:
            self._own.pop(key, None)
            if key in self._new:
                self._new.remove(key)

    def _begin(self, reader: GroupReader) -> None:
        """Start partitions that came in, from where the views stand."""
        if not self._new:
            return
        found = partitions.load(self._connection, self._log, self._new)
        self._new = []
        for key, partition in found.items():
            self._own[key] = partition
            reader.start(*key, partition.fold.offset)

    def _apply(self, batch: Batch, touched: dict[Key, Partition]) -> None:
        moved = [(key, partition.fold.offset) for key, partition in touched.items()]

        def notify() -> None:
            self._connection.notify((*key, offset) for key, offset in moved)

        try:
            write_batch(self._connection, batch, touched.values(), self._facts, notify)
        except Overtaken as error:
            logger.info("%s: starting again from where the views stand", error)
            self._again(touched)
            return
        for key, offset in moved:
            self._news.passed(key, offset)

    def _again(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if self._own.pop(key, None) is not None:
                self._new.append(key)
