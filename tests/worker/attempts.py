"""Runs attempts as a worker's pool does, with everything real but the log, which is in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.execution.job import Job
from tests.worker.executors import FakeExecutor, job
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from worker.context import Reach
from worker.deadlines import Deadlines
from worker.history import History
from worker.kill import Kill
from worker.logs import LogLimits, Shipper
from worker.plugins import Registry
from worker.ports import Ended
from worker.run import Equipment, run_attempt
from worker.runners.process import ProcessRunner
from worker.runners.settings import ProcessSettings
from worker.storage.access import AttemptFiles
from worker.storage.key_values import KeyValues
from worker.storage.local import LocalStorage
from worker.threads import SystemClock


class Attempts:
    """One worker's equipment, and what its attempts have written."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: LogLimits | None = None,
        environment: Mapping[str, str] | None = None,
        encryption_key: str | None = None,
        user: tuple[int, int] | None = None,
    ) -> None:
        clock = SystemClock()
        log = self.log = MemoryLog(catalog_partitions(1))
        self._executor = FakeExecutor(log)
        self.folder = folder / "attempts"
        self.processes = ProcessRunner(
            ProcessSettings(folder=None if user else self.folder, user=user, kill_grace_ms=500)
        )
        self.storage = LocalStorage(folder / "storage")
        self.keys = KeyValues(self.storage, clock.wall_ms)
        self.equipment = Equipment(
            registry=Registry(),
            shipper=Shipper(log),
            storage=self.storage,
            processes=self.processes,
            deadlines=Deadlines(clock.monotonic),
            clock=clock,
            reach=Reach(self.keys, History(log)),
            log_limits=limits or LogLimits(),
            environment=environment or {},
            encryption_key=encryption_key,
        )

    def run(self, wanted: Job, kill: Kill | None = None) -> Ended:
        key = (wanted.execution_id, wanted.task_run_id, wanted.epoch)
        return run_attempt(self.equipment, key, wanted, kill or Kill())

    def outputs(self, wanted: Job) -> Any:
        """Run an attempt that must succeed, and return its outputs."""
        ended = self.run(wanted)
        assert ended.state == "SUCCESS", ended.error
        return msgspec.json.decode(ended.outputs_json or b"{}")

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Level and text of all lines so far."""
        self._executor.look()
        return [(line.level, line.message) for line in self._executor.lines]

    @property
    def entries(self) -> list[Any]:
        self._executor.look()
        return list(self._executor.lines)

    @property
    def metrics(self) -> list[Any]:
        self._executor.look()
        return list(self._executor.metrics)

    def files(self, wanted: Job | None = None) -> AttemptFiles:
        return AttemptFiles(self.storage, wanted or job())

    def close(self) -> None:
        self.processes.close()
        self.equipment.deadlines.close()


Make = Callable[..., Attempts]
