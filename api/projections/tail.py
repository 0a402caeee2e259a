"""The thread that tails the log, folds it into the views and tells the requests of this process.

Owns the loop and its recovery: a batch that couldn't be written is read again from the stored positions. With a SQLite
file every process folds every partition; see `group.py` for processes that share a database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

from api.projections import partitions
from api.projections.batch import Batch
from api.projections.database import Connection, Database, ViewsUnavailable
from api.projections.execution_fold import fold_log_entry, fold_metric
from api.projections.execution_fold import fold_step as fold_execution_step
from api.projections.fan_out import FanOut
from api.projections.flow_fold import fold_step as fold_flow_step
from api.projections.partitions import Partition
from api.projections.perseverance import Perseverance
from api.projections.trigger_fold import fold_step as fold_trigger_step
from api.projections.write import FlowFacts, Overtaken, write_batch
from topics import catalog, serde
from topics.messages import Step
from topics.ports import Log, LogError, Reader, Record
from topics.step_log import step_message

logger = logging.getLogger(__name__)

GATHER_S = 0.02
"""How long changes that no request waits for are gathered: the steps of one execution then change its rows once."""

IDLE_S = 1.0
"""How long a poll waits while nothing comes; `stop` wakes it."""


STEPS = {
    catalog.EXECUTIONS_EVENTS: fold_execution_step,
    catalog.FLOWS_EVENTS: fold_flow_step,
    catalog.TRIGGERS_EVENTS: fold_trigger_step,
}
"""How steps change the views, by topic."""


def fold_record(batch: Batch, partition: Partition, record: Record) -> None:
    """Add what a record says to the batch, if it counts."""
    topic = record.topic
    if topic in catalog.STEP_TOPICS:
        message: Any = step_message(record) if record.message is not None or record.value else None
        if partition.counts(message, record.offset) and isinstance(message, Step):
            if message.cause.request:
                batch.answers.append((message.cause.request, message))
            STEPS[topic](batch, message)
        return
    partition.passed(record.offset)
    if record.message is None and not record.value:
        return
    # One line of a log or one number less is no reason to show nothing at all.
    entry = serde.message_or_none(record)
    if entry is None:
        return
    (fold_log_entry if topic == catalog.LOGS else fold_metric)(batch, entry)


class Tail:
    """Folds all partitions of the log into the views.

    Args:
        log: The log.
        database: The views.
        fan_out: Who is told.
        facts: Reads a flow's source for the columns that searches need.
        batch_records: Most records of one transaction.
        on_failure: Called once from the thread when it stops for a reason that waiting doesn't mend.
    """

    def __init__(
        self,
        log: Log,
        database: Database,
        fan_out: FanOut,
        facts: FlowFacts,
        batch_records: int,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._log = log
        self._database = database
        self._fan_out = fan_out
        self._facts = facts
        self._batch_records = batch_records
        self._stopping = threading.Event()
        self._reader: Reader | None = None
        self._behind: dict[tuple[str, int], int] = {}
        self.caught_up = threading.Event()
        """The views hold everything that was in the log when the thread began."""
        passing = (*database.lost, ViewsUnavailable, Overtaken, LogError)
        self._perseverance = Perseverance(self._stopping, passing, on_failure)
        self._thread = threading.Thread(
            target=self._perseverance.keep_at, args=(self._tail,), name="views", daemon=True
        )

    @property
    def failure(self) -> BaseException | None:
        """What ended the thread, None while it runs."""
        return self._perseverance.failure

    @property
    def trouble(self) -> str | None:
        """Why the views fall behind; None while they don't."""
        return self._perseverance.trouble

    def start(self) -> None:
        """Begin to tail."""
        self._database.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Stop after the batch in hand, and wait for the thread."""
        self._stopping.set()
        reader = self._reader
        if reader is not None:
            reader.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _tail(self) -> None:
        connection = self._database.writer()
        reader = self._reader = self._log.reader()
        try:
            found = partitions.load(connection, self._log, partitions.all_partitions(self._log))
            for (topic, number), partition in found.items():
                reader.add(topic, number, partition.fold.offset)
                end = self._log.end_offset(topic, number)
                if end > partition.fold.offset:
                    self._behind[topic, number] = end
            self._note_progress(found)
            while not self._stopping.is_set():
                self._apply(connection, found, reader.poll(self._batch_records, IDLE_S), reader)
                self._perseverance.well()
        finally:
            self._reader = None
            reader.close()
            connection.close()

    def _apply(
        self,
        connection: Connection,
        found: dict[tuple[str, int], Partition],
        records: Sequence[Record],
        reader: Reader,
    ) -> None:
        if not records:
            return
        batch = Batch()
        touched: dict[tuple[str, int], Partition] = {}
        until = time.monotonic() + GATHER_S
        left = self._batch_records
        while records:
            for record in records:
                key = (record.topic, record.partition)
                partition = touched.get(key)
                if partition is None:
                    partition = touched[key] = found[key]
                fold_record(batch, partition, record)
            left -= len(records)
            wait_s = until - time.monotonic()
            if left <= 0 or wait_s <= 0 or self._fan_out.urges(batch):
                break
            records = reader.poll(left, wait_s)
        write_batch(connection, batch, touched.values(), self._facts)
        self._fan_out.publish(batch)
        if self._behind:
            self._note_progress(found)

    def _note_progress(self, found: dict[tuple[str, int], Partition]) -> None:
        for key, end in list(self._behind.items()):
            if found[key].fold.offset >= end:
                del self._behind[key]
        if not self._behind:
            self.caught_up.set()


def rebuild(
    log: Log,
    database: Database,
    facts: FlowFacts,
    batch_records: int = 10_000,
    before_commit: Callable[[Connection, Collection[Partition]], None] | None = None,
) -> dict[str, int]:
    """Fold the log into views that are empty, up to where it ends now.

    An API that runs on the same views may fold along: each batch counts once, whoever comes first.

    Args:
        log: The log.
        database: The views, emptied before.
        facts: Reads a flow's source for the columns that searches need.
        batch_records: Most records of one transaction.
        before_commit: Called inside each transaction with the partitions that move in it.

    Returns:
        How many records of each topic were folded here.

    Raises:
        LogError: If the log can't be read.
    """
    database.prepare()
    connection = database.writer()
    counts: Counter[str] = Counter()
    ends = {key: log.end_offset(*key) for key in partitions.all_partitions(log)}

    def write(batch: Batch, touched: dict[tuple[str, int], Partition]) -> None:
        moved = touched.values()
        write_batch(connection, batch, moved, facts, before_commit and (lambda: before_commit(connection, moved)))

    try:
        while _fold_up_to(ends, log, partitions.load(connection, log, ends), write, counts, batch_records):
            logger.info("an API folded along: going on from where it stands")
    finally:
        connection.close()
    return dict(counts)


def _fold_up_to(
    ends: dict[tuple[str, int], int],
    log: Log,
    found: dict[tuple[str, int], Partition],
    write: Callable[[Batch, dict[tuple[str, int], Partition]], None],
    counts: Counter[str],
    batch_records: int,
) -> bool:
    """Fold until every partition is at its end; True if somebody else moved one on meanwhile."""
    reader = log.reader()
    try:
        for key, partition in found.items():
            reader.add(*key, partition.fold.offset)
        while any(found[key].fold.offset < end for key, end in ends.items()):
            batch, touched = Batch(), {}
            records = reader.poll(batch_records, IDLE_S)
            for record in records:
                key = (record.topic, record.partition)
                touched[key] = found[key]
                fold_record(batch, found[key], record)
            if touched:
                write(batch, touched)
                counts.update(record.topic for record in records)
    except Overtaken:
        return True
    finally:
        reader.close()
    return False
