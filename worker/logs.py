"""What attempts write: log lines and metrics, on their way to the log's topics.

Owns numbering, levels, masking of secrets, the limits of one attempt, and the shipping. Lines go out at the latest when
a task pauses to write, and before its report.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

import msgspec

from engine.execution.job import Job
from topics import catalog, serde
from topics.messages import LogEntry, MetricEntry
from topics.ports import Log, LogError
from worker.runners.lines import LINE_BYTES_MAX

logger = logging.getLogger(__name__)

LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}
OUTSTANDING_MAX = 5_000
"""Appends without acknowledgement at which a task has to wait: a log that is slow slows down who writes a lot."""
WAIT_SECONDS = 10.0
"""How long a task waits for the log before its lines are dropped instead."""
CLOSING_SECONDS = 3.0
CLOSING_POLLS = 20
REPEATS_MAX = 3
"""How often a line is sent again whose acknowledgement failed."""
MASK = "******"
MASKED_CHARACTERS_MIN = 3
"""A shorter secret would mask half of every text."""
FLUSH_SECONDS = 0.05
"""How long a line may wait for others to come."""


class LogLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one attempt may write."""

    lines: int = 100_000
    bytes: int = 64 * 1024 * 1024
    lines_per_s: float = 5_000.0
    burst: int = 20_000
    """Lines at once before the rate counts."""
    metrics: int = 10_000


class Shipper:
    """Sends entries to the topics of logs and metrics. Any thread may call it.

    Args:
        log: Where they go.
    """

    def __init__(self, log: Log) -> None:
        self._writer = log.writer()
        self._lock = threading.Lock()
        self._partitions = {topic: log.partitions(topic) for topic in (catalog.LOGS, catalog.METRICS)}
        self._stalled = False
        self.lost = 0
        """Entries that the log didn't take, since the start."""

    def partition_of(self, topic: str, execution_id: str) -> int:
        """Return where the entries of an execution go."""
        return catalog.partition_of(execution_id.encode(), self._partitions[topic])

    def send(self, topic: str, partition: int, entry: LogEntry | MetricEntry) -> None:
        """Append an entry; waits while too many are on their way."""
        with self._lock:
            if self._writer.outstanding >= OUTSTANDING_MAX:
                # Who waited once in vain doesn't wait again: the log is away, and attempts must come to their end.
                self._take_acks(0.0 if self._stalled else WAIT_SECONDS)
                self._stalled = self._writer.outstanding >= OUTSTANDING_MAX
                if self._stalled:
                    self.lost += 1
                    return
            self._append(topic, partition, entry, 0)

    def flush(self) -> None:
        """See that everything sent so far is on its way."""
        with self._lock:
            self._take_acks(0.0)

    def close(self) -> None:
        """Send what is left, as far as the log takes it within some seconds."""
        with self._lock:
            for _ in range(CLOSING_POLLS):
                self._take_acks(CLOSING_SECONDS / CLOSING_POLLS)
                if not self._writer.outstanding:
                    break
            if self.lost:
                logger.warning("%d log lines and metrics of attempts were lost since the start", self.lost)
            self._writer.close()

    def _append(self, topic: str, partition: int, entry: LogEntry | MetricEntry, repeats: int) -> None:
        try:
            self._writer.append(
                topic,
                partition,
                entry.execution_id.encode(),
                serde.encode(entry),
                durable=False,
                context=(entry, repeats),
                message=entry,
            )
        except LogError as error:
            self.lost += 1
            logger.warning("a %s is lost: %s", type(entry).__name__, error)

    def _take_acks(self, timeout_s: float) -> None:
        for ack in self._writer.poll(timeout_s):
            if ack.offset is not None:
                continue
            entry, repeats = ack.context
            if repeats < REPEATS_MAX:
                self._append(ack.topic, ack.partition, entry, repeats + 1)
            else:
                self.lost += 1


class Masks:
    """Texts that must not be written: values of secrets that the attempt has asked for."""

    def __init__(self) -> None:
        self._values: list[str] = []

    def add(self, value: str) -> None:
        """Hide a value from now on, each line of it too."""
        for each in {value, *value.splitlines()}:
            if len(each.strip()) >= MASKED_CHARACTERS_MIN and each not in self._values:
                self._values.append(each)
        # A secret that contains another is replaced as a whole.
        self._values.sort(key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return the text without them."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text


class AttemptLog:
    """The log of one attempt. One thread writes.

    Args:
        job: Whose log it is.
        shipper: Where lines go.
        limits: How much may be written.
        monotonic: Clock of the rate, in seconds.
        wall_ms: Clock of the lines.
        file: Takes the lines in place of the log, but errors of the engine's own go to both.
    """

    def __init__(
        self,
        job: Job,
        shipper: Shipper,
        limits: LogLimits,
        monotonic: Callable[[], float],
        wall_ms: Callable[[], int],
        file: IO[bytes] | None = None,
    ) -> None:
        self._file = file
        self.masks = Masks()
        self._job = job
        self._shipper = shipper
        self._limits = limits
        self._monotonic = monotonic
        self._wall_ms = wall_ms
        self._from = LEVELS.get(str(job.log_level or "TRACE").upper(), 0)
        self._id = f"{job.task_run_id}/{job.epoch}"
        self._thread = threading.current_thread().name
        self._partition = shipper.partition_of(catalog.LOGS, job.execution_id)
        self._number = 0
        self._bytes = 0
        self._metrics = 0
        self._allowance = float(limits.burst)
        self._at = monotonic()
        self._flushed_at = self._at - FLUSH_SECONDS
        self._dropped = 0
        self.full = False
        """The attempt has written all that it may; further lines are only counted."""

    def line(self, level: str, text: str) -> None:
        """Write a line, unless its level is below the task's or the attempt writes too much."""
        if LEVELS.get(level, 2) < self._from:
            return
        if self.full:
            self._dropped += 1
            return
        now = self._monotonic()
        limits = self._limits
        self._allowance = min(self._allowance + (now - self._at) * limits.lines_per_s, limits.burst)
        self._at = now
        if self._allowance < 1:
            self._dropped += 1
            return
        self._allowance -= 1
        self._tell_dropped()
        self._bytes += len(text)
        self._write(level, text)
        if self._number >= limits.lines or self._bytes >= limits.bytes:
            self.full = True
            self._write("WARN", f"The attempt has written {self._number} lines; what comes now is left out of its log.")
        if now - self._flushed_at >= FLUSH_SECONDS:
            self._flushed_at = now
            self._shipper.flush()

    def error(self, text: str) -> None:
        """Write an error of the engine's own; it comes through whatever the attempt has written."""
        self._tell_dropped()
        self._write("ERROR", text)
        if self._file is not None:
            self._ship("ERROR", self.masks.hide(text)[:LINE_BYTES_MAX])

    def metric(self, kind: str, name: str, value: float, tags: dict[str, str]) -> None:
        """Send a metric."""
        self._metrics += 1
        if self._metrics > self._limits.metrics:
            if self._metrics == self._limits.metrics + 1:
                self.line("WARN", f"The attempt has sent {self._limits.metrics} metrics; further ones are left out.")
            return
        job = self._job
        entry = MetricEntry(
            id=f"{self._id}/{self._metrics}",
            execution_id=job.execution_id,
            namespace=job.namespace,
            flow_id=job.flow_id,
            task_id=job.task_id,
            task_run_id=job.task_run_id,
            at_ms=self._wall_ms(),
            kind=kind,
            name=name,
            value=value,
            tags_json=msgspec.json.encode(tags),
        )
        self._shipper.send(catalog.METRICS, self._shipper.partition_of(catalog.METRICS, job.execution_id), entry)

    def flush(self) -> None:
        """See that everything written so far is on its way."""
        self._flushed_at = self._monotonic()
        self._shipper.flush()

    def end(self) -> None:
        """Say what was left out, and flush."""
        self._tell_dropped()
        if self._number or self._metrics:
            self._shipper.flush()

    def _tell_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._write("WARN", f"{dropped} lines are left out here: the attempt writes more than its log may hold.")

    def _write(self, level: str, text: str) -> None:
        text = self.masks.hide(text)
        if len(text) > LINE_BYTES_MAX:
            text = f"{text[:LINE_BYTES_MAX]} … ({len(text) - LINE_BYTES_MAX} characters more)"
        if self._file is None:
            self._ship(level, text)
            return
        at = datetime.fromtimestamp(self._wall_ms() / 1000, UTC).isoformat(timespec="milliseconds")
        self._file.write(f"{at[:-6]}Z {level:<5} {text}\n".encode(errors="replace"))
        self._number += 1

    def _ship(self, level: str, text: str) -> None:
        job = self._job
        entry = LogEntry(
            id=f"{self._id}/{self._number}",
            execution_id=job.execution_id,
            namespace=job.namespace,
            flow_id=job.flow_id,
            task_id=job.task_id,
            task_run_id=job.task_run_id,
            attempt=job.epoch,
            at_ms=self._wall_ms(),
            level=level,
            thread=self._thread,
            message=text,
            number=self._number,
        )
        self._number += 1
        self._shipper.send(catalog.LOGS, self._partition, entry)
