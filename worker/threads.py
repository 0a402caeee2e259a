"""A worker in a process of real time: the threads that drive the loop, and their end.

Owns the threads: one takes doorbells, one reads grants, one keeps time, and the pool's run attempts. They take turns in
the loop by one lock, so an event costs one thread's waking and no queue between them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from topics.ports import Log, LogError
from worker.context import Reach
from worker.deadlines import Deadlines
from worker.history import History
from worker.logs import Shipper
from worker.loop import INBOX_BATCH, Worker
from worker.plugins import Registry
from worker.pool import Pool
from worker.ports import WorkerSettings
from worker.run import Equipment, run_attempt
from worker.runners.launcher import LaunchError
from worker.runners.process import ProcessRunner
from worker.runners.settings import ProcessSettings
from worker.storage.keeper import FolderKeeper
from worker.storage.key_values import KeyValues
from worker.storage.local import LocalStorage

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60.0
"""How long a source waits for something before it looks whether the worker stops; it is woken before."""
FULL_SECONDS = 0.2
"""A worker without a free slot for so long lets others have the doorbells that it has fetched already."""
RETRY_SECONDS = 1.0
"""Pause after an error of the log that may pass."""
LEAVING_SECONDS = 0.01
"""How often a worker that leaves looks for its last acknowledgements."""


class SystemClock:
    """The machine's clocks. See `worker.ports.Clock`."""

    def __init__(self) -> None:
        # Leases run out while this machine sleeps, and CLOCK_MONOTONIC would not tell.
        self._id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def monotonic(self) -> float:
        """See `worker.ports.Clock.monotonic`."""
        return time.clock_gettime(self._id)

    def wall_ms(self) -> int:
        """See `worker.ports.Clock.wall_ms`."""
        return time.time_ns() // 1_000_000


class WorkerThreads:
    """A worker and its threads.

    Args:
        log: The log; closed by whoever opened it, after `run` has returned.
        settings: Numbers of the protocol.
        storage: Folder of stored files; all workers and the api share it.
        processes: How scripts run.
        stop_grace_s: How long running attempts may go on after `stop`.
        encryption_key: Opens SECRET inputs; None fails the tasks of executions that have any.
    """

    def __init__(
        self,
        log: Log,
        settings: WorkerSettings,
        storage: Path,
        processes: ProcessSettings,
        stop_grace_s: float = 20.0,
        encryption_key: str | None = None,
    ) -> None:
        clock = SystemClock()
        self._clock = clock
        self._stop_grace_s = stop_grace_s
        self._processes = ProcessRunner(processes)
        self._deadlines = Deadlines(time.monotonic)
        self._shipper = Shipper(log)
        stored = LocalStorage(storage)
        self._keeper = FolderKeeper(stored.shared)
        equipment = Equipment(
            registry=Registry(),
            shipper=self._shipper,
            storage=stored,
            processes=self._processes,
            deadlines=self._deadlines,
            clock=clock,
            reach=Reach(KeyValues(stored, clock.wall_ms), History(log)),
            encryption_key=encryption_key,
        )
        self._pool = Pool(
            lambda key, job, kill: run_attempt(equipment, key, job, kill), self._told, self._keeper.discard
        )
        self._lock = threading.Lock()
        self._slot_freed = threading.Event()
        self._time = threading.Event()
        """Set when the thread that keeps time has something to do before it thought."""
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._died: BaseException | None = None
        self._worker = Worker(log, settings, self._pool, clock)

    def run(self) -> None:
        """Work until `stop` was called and everything is handed back.

        Raises:
            LogError: If the log can't be used any more.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(each,), name=name, daemon=True)
            for name, each in (("worker-jobs", self._take_jobs), ("worker-inbox", self._read_inbox))
        ]
        for thread in threads:
            thread.start()
        try:
            self._warm_up()
            self._keep_time()
        finally:
            self._stopping.set()
            self._done.set()
            self._wake_sources()
            for thread in threads:
                thread.join()
            self._close()
        if self._died is not None:
            raise self._died

    def stop(self) -> None:
        """Make `run` return once running attempts have ended, or the grace is over. Any thread may call it."""
        self._stopping.set()
        self._wake_sources()

    def _warm_up(self) -> None:
        self._keeper.start()
        try:
            self._processes.warm_up()
        except LaunchError as error:
            logger.warning("script tasks will fail on this worker: %s", error)

    def _close(self) -> None:
        self._pool.close()
        self._deadlines.close()
        # Ends every script that is left, by the warden.
        self._processes.close()
        self._keeper.close()
        with self._lock:
            self._worker.close()
        self._shipper.close()

    def _wake_sources(self) -> None:
        self._worker.jobs.wake()
        self._worker.inbox.wake()
        self._slot_freed.set()
        self._time.set()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a thread's work; if it dies, the whole worker does."""
        try:
            work()
        except BaseException as error:
            self._died = self._died or error
            self.stop()

    def _take_jobs(self) -> None:
        worker = self._worker
        while not self._stopping.is_set():
            with self._lock:
                free = worker.free_slots
                ahead = free > worker.settings.slots - worker.busy
            try:
                if not free:
                    if not self._slot_freed.wait(FULL_SECONDS):
                        worker.jobs.hand_back()
                        self._slot_freed.wait(IDLE_SECONDS)
                    self._slot_freed.clear()
                    continue
                # So many are free for a moment only, if some of them are ahead.
                doorbells = worker.jobs.take(free, worker.settings.ahead_s if ahead else IDLE_SECONDS)
            except LogError as error:
                self._wait_out(error)
                continue
            if doorbells:
                with self._lock:
                    worker.ring(doorbells)
                    worker.flush()

    def _read_inbox(self) -> None:
        worker = self._worker
        while not self._done.is_set():
            try:
                heard = worker.inbox.poll(INBOX_BATCH, IDLE_SECONDS)
            except LogError as error:
                self._wait_out(error)
                continue
            if heard:
                with self._lock:
                    worker.hear(heard)
                    worker.flush()

    def _told(self) -> None:
        """An attempt has ended: report it, in its own thread."""
        worker = self._worker
        with self._lock:
            worker.finish()
            worker.flush()
        self._slot_freed.set()
        if self._stopping.is_set():
            self._time.set()

    def _keep_time(self) -> None:
        worker = self._worker
        while not worker.stopped and self._died is None:
            with self._lock:
                if self._stopping.is_set():
                    worker.stop(self._stop_grace_s)
                worker.tick()
                worker.flush()
                left = worker.next_due() - self._clock.monotonic()
                stopped = worker.stopped
                leaving = worker.leaving
            self._slot_freed.set()
            if stopped:
                break
            self._time.wait(LEAVING_SECONDS if leaving else max(left, 0))
            self._time.clear()

    def _wait_out(self, error: LogError) -> None:
        if not error.retriable:
            raise error
        logger.warning("the log can't be read now, trying again: %s", error)
        self._stopping.wait(RETRY_SECONDS)
