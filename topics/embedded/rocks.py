"""The durable log of one process, on RocksDB: what `penstock` runs on when there is no Kafka.

Owns the write path (one lock, one RocksDB write per flush, then memory, then whoever waits) and the table of
partitions. All topics share one database and one write-ahead log, so a crash takes a suffix of everything and nothing
else: a step that another topic's record depends on is never lost without it. Reading is `reader.py`'s, groups
`coordinator.py`'s.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rocksdict import WriteBatch

from topics.embedded.committer import Committer
from topics.embedded.coordinator import Coordinator, EmbeddedGroup
from topics.embedded.directory_lock import DirectoryLock
from topics.embedded.jobs import EmbeddedJobs
from topics.embedded.layout import pack
from topics.embedded.partition import Partition, WindowBudget
from topics.embedded.reader import EmbeddedReader
from topics.embedded.retention import compact_partition, cut_partition
from topics.embedded.rules import PartitionsFor, TopicRules
from topics.embedded.store import DATABASE, Store, is_full
from topics.embedded.tables import Tables
from topics.embedded.writer import EmbeddedWriter, Queued
from topics.ports import Ack, Assigned, LogError, Record

WINDOW_RECORDS_MAX = 20_000
"""Records kept in memory for readers at the tail: some seconds of full load."""

WINDOW_BYTES_MAX = 32 << 20


RETRY_EVERY_S = 1.0
"""How often, at most, a database that failed is opened anew."""


def wall_clock_ms() -> int:
    """Return Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def open_embedded_log(
    path: Path | str,
    partitions_for: PartitionsFor | TopicRules,
    *,
    now_ms: Callable[[], int] = wall_clock_ms,
    window_records_max: int = WINDOW_RECORDS_MAX,
    window_bytes_max: int = WINDOW_BYTES_MAX,
) -> EmbeddedLog:
    """Open the log in a directory, creating it if there is none.

    Args:
        path: The directory; nothing else may lie in it.
        partitions_for: Partition count of each topic (`rules.catalog_partitions(n)` as a rule), or all rules. Topics
            are created when they are first named.
        now_ms: Clock for `Record.at_ms`.
        window_records_max: How many of the newest records stay in memory.
        window_bytes_max: And how many bytes of them.

    Raises:
        FatalLogError: If another process has the log open, its bytes are damaged, or a topic has another partition
            count.
        LogError: If the disk refuses.
    """
    rules = partitions_for if isinstance(partitions_for, TopicRules) else TopicRules(partitions_for)
    directory = Path(path)
    lock = DirectoryLock(directory)
    try:
        store = Store(directory / DATABASE)
        try:
            tables = Tables(store, rules)
        except BaseException:
            store.close()
            raise
    except BaseException:
        lock.release()
        raise
    return EmbeddedLog(store, tables, lock, now_ms, WindowBudget(window_records_max, window_bytes_max))


class EmbeddedLog:
    """See `topics.ports.Log`; made by `open_embedded_log`."""

    def __init__(
        self,
        store: Store,
        tables: Tables,
        directory: DirectoryLock,
        now_ms: Callable[[], int],
        budget: WindowBudget,
    ) -> None:
        self._store = store
        self._tables = tables
        self._directory = directory
        self._now_ms = now_ms
        self._budget = budget
        self._lock = threading.Lock()
        self._writers: tuple[EmbeddedWriter, ...] = ()
        self._coordinator = Coordinator(tables)
        self._closed = False
        self._failed: str | None = None
        """Why the database takes no writes now; the committer mends it."""
        self._retry_at = 0.0
        self._committer = Committer(self)
        tables.on_commit = self._committer.wrote
        self._committer.start()

    # -- what everybody asks -------------------------------------------------------------------------------------------

    def partitions(self, topic: str) -> int:
        """See `topics.ports.Log.partitions`."""
        return self._tables.partitions(topic)

    def begin_offset(self, topic: str, partition: int) -> int:
        """See `topics.ports.Log.begin_offset`."""
        return self._tables.find(topic, partition).begin

    def end_offset(self, topic: str, partition: int) -> int:
        """See `topics.ports.Log.end_offset`; what writers have queued is written first."""
        self.write_queued()
        return self._tables.find(topic, partition).end

    def find(self, topic: str, partition: int) -> Partition:
        """Return a partition; creates its topic if the rules know it."""
        return self._tables.find(topic, partition)

    def writer(self) -> EmbeddedWriter:
        """See `topics.ports.Log.writer`."""
        self._require_open()
        writer = EmbeddedWriter(self, self._tables.by_name)
        with self._lock:
            self._writers = (*self._writers, writer)
        return writer

    def reader(self) -> EmbeddedReader:
        """See `topics.ports.Log.reader`."""
        self._require_open()
        return EmbeddedReader(self._store, self)

    def group(self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Assigned) -> EmbeddedGroup:
        """See `topics.ports.Log.group`.

        A partition passes to another member once its owner's `poll` told the owner so: two live members never both own
        one.
        """
        self._require_open()
        return self._coordinator.join(group, topics, self.reader(), on_assigned, on_revoked)

    def jobs(self, topic: str, group: str) -> EmbeddedJobs:
        """See `topics.ports.Log.jobs`. Any taker takes from any partition, each partition in its order."""
        self._require_open()
        return self._coordinator.take_jobs(self._store, self, topic, group)

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(self, writer: EmbeddedWriter) -> list[Ack]:
        """Write what a writer has queued, called by its own thread; return acknowledgements that come at once."""
        with self._lock:
            return self._write(writer)

    def write_queued(self) -> bool:
        """Write what all writers have queued, for those that don't poll now; return whether there was any."""
        wrote = False
        for writer in self._writers:
            if writer.queue:
                wrote = True
                with self._lock:
                    writer.acks.extend(self._write(writer))
                writer.wakeup.notify()
        return wrote

    def stir(self) -> None:
        """Something was queued."""
        self._committer.stir()

    def hurry(self) -> None:
        """Somebody waits for a sync, but does something else meanwhile."""
        self._committer.hurry()

    def sync_here(self) -> None:
        """Sync in the calling thread, unless another one is at it."""
        self._committer.sync_here()

    def leave(self, writer: EmbeddedWriter) -> None:
        """Forget a closed writer."""
        with self._lock:
            self._writers = tuple(other for other in self._writers if other is not writer)

    def _write(self, writer: EmbeddedWriter) -> list[Ack]:
        queue = writer.queue
        queued = [queue.popleft() for _ in range(len(queue))]
        if not queued:
            return []
        if self._failed is not None or self._closed:
            return self._refuse(writer, queued, self._failed or "The log is closed.")
        try:
            at_ms = self._now_ms()
            now, later, touched = _stage(queued, writer.held, at_ms)
            for partition, chain, size in self._put(touched, at_ms):
                self._budget.add(partition, partition.publish(chain), size)
        except BaseException as error:
            # An interrupt may strike between any two lines: opening anew brings memory in line with the disk.
            for item in queued:
                item[0].fresh = []
            self._failed = _explain("written", error)
            self._committer.wrote()
            if not isinstance(error, Exception):
                raise
            return self._refuse(writer, queued, self._failed)
        if later:
            writer.syncing += len(later)
            self._committer.submit(writer, later)
        if now:
            self._committer.wrote()
        return now

    def _put(self, touched: list[Partition], at_ms: int) -> list[tuple[Partition, bytes, int]]:
        """Put the fresh records of these partitions into the database, all or none.

        Returns:
            Each partition with its new chain value and how many bytes were put.
        """
        puts: list[tuple[bytes, bytes]] = []
        done: list[tuple[Partition, bytes, int]] = []
        for partition in touched:
            chain = partition.chain
            size = 0
            for run in _runs(partition):
                key, value, chain = pack(
                    partition.prefix, run[0].offset, at_ms, [r.key for r in run], [r.value for r in run], chain
                )
                puts.append((key, value))
                size += len(value)
            done.append((partition, chain, size))
        if len(puts) == 1:
            self._store.database.put(*puts[0])
        else:
            batch = WriteBatch(raw_mode=True)
            for key, value in puts:
                batch.put(key, value)
            self._store.database.write(batch)
        return done

    def _refuse(self, writer: EmbeddedWriter, queued: list[Queued], error: str) -> list[Ack]:
        acks = [Ack(item[0].topic, item[0].number, None, item[4], error) for item in queued]
        if writer.syncing:
            # Behind the durable ones of the same partitions, so that order holds for errors too.
            writer.syncing += len(acks)
            self._committer.submit(writer, acks)
            return []
        writer.held.clear()
        return acks

    # -- syncing: called through the committer -------------------------------------------------------------------------

    def sync(self) -> str | None:
        """Make what is written survive a power failure; return the error if the disk refused.

        After an error the log takes no writes, and each call tries to open the database anew, as starting the process
        again would do: RocksDB itself stays in some errors for good. A refused write that had reached the disk all the
        same lands then: its acknowledgement was unknown.
        """
        try:
            if self._failed is None:
                self._tables.save_hints()
                self._store.database.flush_wal(True)
            elif time.monotonic() >= self._retry_at and self._store.has_space():
                self._retry_at = time.monotonic() + RETRY_EVERY_S
                with self._lock:
                    self._store.reopen()
                    self._tables.refresh()
                    self._failed = None
        except Exception as error:
            self._failed = _explain("synced", error)
        return self._failed

    def deliver(self, synced: list[tuple[EmbeddedWriter, list[Ack]]], error: str | None) -> None:
        """Hand acknowledgements to their writers, as unknown if the sync failed."""
        with self._lock:
            for writer, acks in synced:
                if error is not None:
                    acks = [Ack(ack.topic, ack.partition, None, ack.context, ack.error or error) for ack in acks]
                writer.acks.extend(acks)
                writer.syncing -= len(acks)
                if not writer.syncing:
                    writer.held.clear()
        for writer, _ in synced:
            writer.wakeup.notify()

    # -- upkeep --------------------------------------------------------------------------------------------------------

    def enforce_retention(self, now_ms: int) -> int:
        """Delete what is older than its topic keeps it, and compact compacted topics; return how many offsets went.

        Cheap enough for once a minute: a pass looks at what it deletes and a bounded number of entries besides. Readers
        and writers go on meanwhile.

        Args:
            now_ms: Unix time; records older than this minus their topic's retention go.
        """
        removed = 0
        for partition in self._tables.all():
            retention_ms = self._tables.rules.retention_ms(partition.topic)
            if partition.single:
                removed += compact_partition(self._store, partition, self._lock, now_ms)
            elif retention_ms is not None:
                removed += cut_partition(self._store, partition, self._lock, now_ms - retention_ms)
        return removed

    def close(self) -> None:
        """Write and sync what is queued, wake everybody, release the directory.

        Raises:
            LogError: If the disk refused the last sync; the log is closed all the same.
        """
        if self._closed:
            return
        self.write_queued()
        self._committer.stop()
        error = self.sync()
        self._closed = True
        for writer in self._writers:
            writer.detach()
        for partition in self._tables.all():
            for waiter in partition.waiters:
                waiter.notify()
        try:
            with self._lock:
                self._store.close()
        except Exception as refused:
            error = error or str(refused)
        finally:
            self._directory.release()
        if error is not None:
            raise LogError(f"The log was closed, but its newest records may not have reached the disk: {error}")

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def _require_open(self) -> None:
        if self._closed:
            raise LogError("The log is closed.")


def _stage(queued: list[Queued], held: set[Partition], at_ms: int) -> tuple[list[Ack], list[Ack], list[Partition]]:
    """Give records their offsets; return acknowledgements for now, those for after a sync, and the partitions."""
    now: list[Ack] = []
    later: list[Ack] = []
    touched: list[Partition] = []
    for partition, key, value, durable, context, message in queued:
        fresh = partition.fresh
        if not fresh:
            touched.append(partition)
        topic, number = partition.topic, partition.number
        offset = partition.end + len(fresh)
        fresh.append(Record(topic, number, offset, key, value, at_ms, message))
        if durable:
            held.add(partition)
            later.append(Ack(topic, number, offset, context))
        elif held and partition in held:
            later.append(Ack(topic, number, offset, context))
        else:
            now.append(Ack(topic, number, offset, context))
    return now, later, touched


def _runs(partition: Partition) -> list[list[Record]]:
    return [[record] for record in partition.fresh] if partition.single else [partition.fresh]


def _explain(done: str, error: BaseException) -> str:
    if is_full(error):
        return f"The record couldn't be {done}, the disk is full; the log goes on when there is space again. ({error})"
    return f"The record couldn't be {done}: {error}"
