"""Puts each role together from the settings: which objects meet which.

Owns the construction only. What a role does is in `executor/`, `worker/` and `api/`; the threads are the supervisor's.
"""

from __future__ import annotations

import os
import socket
import time
from uuid import uuid4

from deploy.supervisor import Role
from executor.loop import Clocks, Executor, ExecutorSettings
from executor.state.ports import Store
from topics.ports import Log


def process_name() -> str:
    """Return a name that no other process has, on any machine, now or later: claims and leases carry it."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


def clocks() -> Clocks:
    """Return the clocks of this machine."""
    return Clocks(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_ms=lambda: time.monotonic_ns() // 1_000_000)


def executor_role(log: Log, store: Store, name: str) -> Role:
    """Return the executor: it owns the partitions that its group gives to it, and keeps their rows in `store`."""
    executor = Executor(log, store, ExecutorSettings(name=name), clocks())
    return Role("executor", executor.run, executor.stop)
