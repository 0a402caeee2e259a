"""Carries effects out: the only place of an executor that writes to other topics than the step log.

Owns the way from an `Effect` to a record. Effects leave only after their step was acknowledged, may leave again, and
nothing waits for them: what is outstanding is a row, and is said again until it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.execution.commands import AttemptLost, ReportTaskEnded
from engine.execution.effects import DiscardFolder, RingDoorbell, SendCancel, SendDrop, SendGrant
from engine.execution.job import Job, job_to_json
from engine.execution.step import EXECUTIONS
from engine.machine import Command, Effect, SendCommand
from engine.values import State
from executor.processor import AGGREGATES
from topics import catalog
from topics.messages import Cancel, DeadLetter, Discard, Doorbell, Drop, Grant, Message
from topics.ports import Log, Record, RecordTooLarge, Writer
from topics.serde import encode

BuildJob = Callable[[str, str], "Job | None"]
"""(execution id, task run id) to the job as of now."""


class Effects:
    """Writes effects to their topics.

    Args:
        log: Tells how many partitions a topic has.
        writer: Shared with the step log; acknowledgements of effects are not waited for.
    """

    def __init__(self, log: Log, writer: Writer) -> None:
        self._writer = writer
        self._partitions = {
            topic: log.partitions(topic)
            for topic in (
                *map(catalog.inbox_of, AGGREGATES),
                catalog.WORKERS_INBOX,
                catalog.jobs_of(catalog.DEFAULT_QUEUE),
            )
        }
        self._turn = 0

    def release(self, execution_id: str, effect: Effect, build_job: BuildJob) -> None:
        """Carry one effect of an aggregate out; most are an execution's."""
        if isinstance(effect, RingDoorbell):
            self._ring(execution_id, effect)
        elif isinstance(effect, SendGrant):
            self._grant(execution_id, effect, build_job)
        elif isinstance(effect, SendDrop):
            drop = Drop(execution_id=execution_id, task_run_id=effect.task_run_id, epoch=effect.epoch)
            self._to_worker(effect.worker_id, drop)
        elif isinstance(effect, SendCancel):
            cancel = Cancel(execution_id=execution_id, task_run_id=effect.task_run_id, epoch=effect.epoch)
            self._to_worker(effect.worker_id, cancel)
        elif isinstance(effect, SendCommand):
            self._to_aggregate(effect.kind, effect.id, effect.command)
        elif isinstance(effect, DiscardFolder):
            self._to_queue(catalog.DEFAULT_QUEUE, Discard(execution_id=execution_id, folder=effect.folder))
        else:
            raise AssertionError(f"an effect without a way to carry it out: {effect!r}")

    def lose(self, execution_id: str, task_run_id: str, epoch: int, worker_id: str) -> None:
        """Tell an execution that the worker of one of its attempts is gone."""
        self._to_aggregate(
            EXECUTIONS.kind, execution_id, AttemptLost(task_run_id=task_run_id, epoch=epoch, worker_id=worker_id)
        )

    def bury(self, record: Record, error: str, at_ms: int) -> None:
        """Put a record that can't be processed where an operator finds it."""
        letter = DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value[: catalog.RECORD_BYTES_MAX // 2],
            error=error[:10_000],
            at_ms=at_ms,
        )
        self._append(catalog.DEAD_LETTERS, 0, record.key, letter)

    def _ring(self, execution_id: str, effect: RingDoorbell) -> None:
        doorbell = Doorbell(execution_id=execution_id, task_run_id=effect.task_run_id, epoch=effect.epoch)
        self._to_queue(effect.queue, doorbell)

    def _to_queue(self, queue: str, message: Message) -> None:
        topic = catalog.jobs_of(queue)
        self._turn += 1
        self._append(topic, self._turn % self._partitions[topic], b"", message)

    def _grant(self, execution_id: str, effect: SendGrant, build_job: BuildJob) -> None:
        job = build_job(execution_id, effect.task_run_id)
        if job is None or job.epoch != effect.epoch:
            return
        grant = Grant(
            execution_id=execution_id, task_run_id=effect.task_run_id, epoch=effect.epoch, job_json=job_to_json(job)
        )
        try:
            self._to_worker(effect.worker_id, grant)
        except RecordTooLarge as error:
            refused = ReportTaskEnded(
                task_run_id=effect.task_run_id,
                epoch=effect.epoch,
                worker_id=effect.worker_id,
                state=State.FAILED,
                error=f"The task's variables are too large to send to a worker: {error}. Keep large data in storage "
                f"and pass its URI",
            )
            self._to_aggregate(EXECUTIONS.kind, execution_id, refused)

    def _to_worker(self, worker_id: str, message: Message) -> None:
        key = worker_id.encode()
        partition = catalog.partition_of(key, self._partitions[catalog.WORKERS_INBOX])
        self._append(catalog.WORKERS_INBOX, partition, key, message)

    def _to_aggregate(self, kind: str, aggregate_id: str, command: Command) -> None:
        key = aggregate_id.encode()
        inbox = catalog.inbox_of(kind)
        self._append(inbox, catalog.partition_of(key, self._partitions[inbox]), key, command)

    def _append(self, topic: str, partition: int, key: bytes, message: Any) -> None:
        self._writer.append(topic, partition, key, encode(message), durable=False, message=message)
