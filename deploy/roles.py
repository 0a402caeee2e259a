"""Puts each role together from the settings: which objects meet which.

Owns the construction only. What a role does is in `executor/`, `worker/` and `api/`; the threads are the supervisor's.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from importlib.metadata import version
from typing import Protocol, runtime_checkable
from uuid import uuid4

from deploy.clash import DISTRIBUTION
from deploy.encryption import encryption_key
from deploy.instance_variables import instance_variables
from deploy.open_log import storage_folder
from deploy.scripts import script_limits, script_user
from deploy.settings import Settings
from deploy.supervisor import Role
from engine.execution.draft import Setting
from executor.loop import Clocks, Executor, ExecutorSettings
from executor.state.ports import Store
from topics.ports import Log

RETENTION_SECONDS = 60.0
"""How often the built-in log drops what is older than its topics keep it; a pass is cheap."""


def process_name() -> str:
    """Return a name that no other process has, on any machine, now or later: claims and leases carry it."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


def clocks() -> Clocks:
    """Return the clocks of this machine."""
    return Clocks(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_ms=lambda: time.monotonic_ns() // 1_000_000)


def executor_role(log: Log, store: Store, settings: Settings, name: str, *, triggers: bool = True) -> Role:
    """Return the executor: it owns the partitions that its group gives to it, and keeps their rows in `store`."""
    variables = instance_variables(settings, os.environ)
    setting = Setting(flow=None, variables=variables, dialect=settings.dialect)
    chosen = ExecutorSettings(name=name, standby=settings.executor.standby, setting=setting, triggers=triggers)
    executor = Executor(log, store, chosen, clocks())
    return Role("executor", executor.run, executor.stop)


def worker_role(log: Log, settings: Settings, name: str) -> Role:
    """Return the worker: its threads, its scripts' processes, and the storage that the api uses too."""
    from worker.ports import AHEAD_S, WorkerSettings
    from worker.runners.settings import ProcessSettings
    from worker.threads import WorkerThreads

    chosen = settings.worker
    protocol = WorkerSettings(
        worker_id=name,
        queue=chosen.queue,
        slots=chosen.slots,
        version=version(DISTRIBUTION),
        # In the same process a claim is answered at once, and more attempts on their way only hold each other up.
        ahead_s=AHEAD_S if settings.kafka.bootstrap else 0.0,
    )
    processes = ProcessSettings(
        folder=chosen.folder, user=script_user(chosen.script_user), limits=script_limits(chosen)
    )
    worker = WorkerThreads(
        log, protocol, storage_folder(settings), processes, chosen.stop_grace, encryption_key(settings)
    )
    return Role("worker", worker.run, worker.stop)


@runtime_checkable
class KeepsRetention(Protocol):
    """A log that must be told to drop what is too old; a Kafka cluster does so by itself."""

    def enforce_retention(self, now_ms: int) -> int:
        """Drop it, and return how many offsets went."""
        ...


def retention_role(log: KeepsRetention) -> Role:
    """Return the part that keeps the built-in log from growing for ever."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(RETENTION_SECONDS):
            log.enforce_retention(time.time_ns() // 1_000_000)

    return Role("retention", run, stopping.set)
