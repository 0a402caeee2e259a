"""The other side of the worker protocol, as small as it can be: reads the inbox, answers when it is told to."""

from __future__ import annotations

from typing import Any

from engine.execution import commands as c
from engine.execution.job import Job, job_to_json
from topics import catalog, serde
from topics.messages import Cancel, Discard, Doorbell, Drop, Grant, Heartbeat, LogEntry, MetricEntry, WorkerLeaving
from topics.ports import Log

EXECUTION = "execution-1"
TASK_RUN = "run-1"


def job(task_type: str = "io.kestra.plugin.core.debug.Return", **given: Any) -> Job:
    """Return a job; everything has a value, `given` wins."""
    return Job(
        **{
            "execution_id": EXECUTION,
            "namespace": "company.team",
            "flow_id": "hello",
            "revision": 1,
            "task_run_id": TASK_RUN,
            "epoch": 1,
            "task_id": "task",
            "task_type": task_type,
            "properties": {},
            "variables": {"flow": {"id": "hello", "namespace": "company.team"}},
            **given,
        }
    )


class FakeExecutor:
    """Writes doorbells and answers; keeps what the worker has sent."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._writer = log.writer()
        self._reader = log.reader()
        for topic in (catalog.EXECUTIONS_INBOX, catalog.WORKERS_LEASES, catalog.LOGS, catalog.METRICS):
            for partition in range(log.partitions(topic)):
                self._reader.add(topic, partition, 0)
        self.commands: list[Any] = []
        self.leases: list[Heartbeat | WorkerLeaving] = []
        self.lines: list[LogEntry] = []
        self.metrics: list[MetricEntry] = []

    def ring(self, job: Job, *, priority: int = 0) -> None:
        """Put a doorbell into the default queue."""
        bell = Doorbell(execution_id=job.execution_id, task_run_id=job.task_run_id, epoch=job.epoch, priority=priority)
        self._send(catalog.jobs_of(catalog.DEFAULT_QUEUE), 0, b"", bell)

    def discard(self, folder: str) -> None:
        """Say that nobody needs a shared folder any more."""
        gone = Discard(execution_id=EXECUTION, folder=folder)
        self._send(catalog.jobs_of(catalog.DEFAULT_QUEUE), 0, b"", gone)

    def grant(self, job: Job, worker_id: str, *, job_json: bytes | None = None) -> None:
        """Answer a claim with a grant."""
        self._answer(
            worker_id,
            Grant(
                execution_id=job.execution_id,
                task_run_id=job.task_run_id,
                epoch=job.epoch,
                job_json=job_to_json(job) if job_json is None else job_json,
            ),
        )

    def drop(self, job: Job, worker_id: str) -> None:
        """Answer a claim with a refusal."""
        self._answer(worker_id, Drop(execution_id=job.execution_id, task_run_id=job.task_run_id, epoch=job.epoch))

    def cancel(self, job: Job, worker_id: str) -> None:
        """Ask for an attempt's end."""
        self._answer(worker_id, Cancel(execution_id=job.execution_id, task_run_id=job.task_run_id, epoch=job.epoch))

    def look(self, timeout_s: float = 0.0) -> None:
        """Take in what the worker has sent."""
        for record in self._reader.poll(1_000, timeout_s):
            message = serde.decode(record.value)
            if record.topic == catalog.EXECUTIONS_INBOX:
                assert record.partition == catalog.partition_of(record.key, self._log.partitions(record.topic))
                self.commands.append(message)
            elif record.topic == catalog.LOGS:
                self.lines.append(message)
            elif record.topic == catalog.METRICS:
                self.metrics.append(message)
            else:
                self.leases.append(message)

    def sent(self, kind: type) -> list[Any]:
        """Return the commands of one class so far."""
        self.look()
        return [command for command in self.commands if isinstance(command, kind)]

    @property
    def claims(self) -> list[c.ClaimAttempt]:
        return self.sent(c.ClaimAttempt)

    @property
    def reports(self) -> list[c.ReportTaskEnded]:
        return self.sent(c.ReportTaskEnded)

    @property
    def losses(self) -> list[c.AttemptLost]:
        return self.sent(c.AttemptLost)

    def _answer(self, worker_id: str, message: Any) -> None:
        key = worker_id.encode()
        partition = catalog.partition_of(key, self._log.partitions(catalog.WORKERS_INBOX))
        self._send(catalog.WORKERS_INBOX, partition, key, message)

    def _send(self, topic: str, partition: int, key: bytes, message: Any) -> None:
        self._writer.append(topic, partition, key, serde.encode(message), durable=False)
        self._writer.poll(0.0)
