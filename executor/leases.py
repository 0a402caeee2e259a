"""Which workers live, as far as this process has heard.

Owns the clock of leases: the time of this process since it last heard a worker, never the time in a message, so that
clock differences between machines don't matter. What becomes of a dead worker's attempts is decided by the engine.
"""

from __future__ import annotations

from collections.abc import Callable

from topics import catalog
from topics.messages import Heartbeat, WorkerLeaving
from topics.ports import Log
from topics.serde import message_or_none

LEASE_MS = 15_000
"""Silence after which a worker counts as gone: five heartbeats."""
BATCH = 500
REMEMBERED_MAX = 10_000
"""Workers remembered, dead ones included; every start of a worker has an id of its own."""


class Leases:
    """When each worker was last heard.

    Args:
        log: Where heartbeats are.
        monotonic_ms: A clock that never goes back.
        lease_ms: Silence after which a worker counts as gone.
    """

    def __init__(self, log: Log, monotonic_ms: Callable[[], int], lease_ms: int = LEASE_MS) -> None:
        self._reader = log.reader()
        self._clock = monotonic_ms
        self._lease_ms = lease_ms
        self._heard_ms: dict[str, int] = {}
        self._left: set[str] = set()
        for partition in range(log.partitions(catalog.WORKERS_LEASES)):
            end = log.end_offset(catalog.WORKERS_LEASES, partition)
            self._reader.add(catalog.WORKERS_LEASES, partition, end)

    def poll(self) -> None:
        """Take in the heartbeats that are there, without waiting."""
        now_ms = self._clock()
        for record in self._reader.poll(BATCH, 0.0):
            message = message_or_none(record)
            if isinstance(message, WorkerLeaving):
                self._left.add(message.worker_id)
                continue
            # What a newer worker says, and this version can't read, is a sign of life too: the key is who said it.
            worker_id = message.worker_id if isinstance(message, Heartbeat) else record.key.decode(errors="replace")
            self._heard_ms[worker_id] = now_ms
            self._left.discard(worker_id)
        if len(self._heard_ms) > REMEMBERED_MAX:
            self._heard_ms = {
                worker_id: heard_ms
                for worker_id, heard_ms in self._heard_ms.items()
                if now_ms - heard_ms <= 2 * self._lease_ms
            }
            self._left.clear()

    def is_gone(self, worker_id: str) -> bool:
        """True if the worker left, or was silent for a whole lease.

        One that was never heard counts from the moment it is first asked about: its claim may be quicker than its first
        heartbeat, and this process may have started a moment ago.
        """
        if worker_id in self._left:
            return True
        now_ms = self._clock()
        return now_ms - self._heard_ms.setdefault(worker_id, now_ms) > self._lease_ms

    def close(self) -> None:
        """Release the reader."""
        self._reader.close()
