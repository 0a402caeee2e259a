"""Group commit, the regular sync, and writers that nobody polls: the one background thread of the embedded log.

Owns when RocksDB's write-ahead log is synced. One sync serves everybody who asked before it began; while it runs, the
next ones gather. Whoever would only wait for a sync makes it, which saves waking two threads; the background thread
does it for the others.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from topics.embedded.wakeup import LONGEST_WAIT_S, Wakeup
from topics.embedded.writer import EmbeddedWriter
from topics.ports import Ack

TICK_S = 0.01
"""How long appends of a writer that doesn't poll stay unwritten."""

SYNC_EVERY_S = 0.1
"""How old an unsynced record gets at most: what a power failure may take of records that weren't asked to be
durable."""

GATHER_S = 0.001
"""How long a sync for somebody who does something else meanwhile waits for one that is made anyhow: what a worker
reports or a client asks for leads to a step, and whoever appends that syncs for all."""

IDLE_AFTER_S = 1.0
"""After so long without appends the thread sleeps until one comes, so that an idle process uses no CPU."""


class Committed(Protocol):
    """What the committer needs of its log."""

    def sync(self) -> str | None:
        """Make everything written so far survive a power failure; return the error if that failed."""
        ...

    def write_queued(self) -> bool:
        """Write what writers have queued; return whether there was any."""
        ...

    def deliver(self, synced: list[tuple[EmbeddedWriter, list[Ack]]], error: str | None) -> None:
        """Hand acknowledgements to their writers."""
        ...


class Committer:
    """Runs until `stop`."""

    def __init__(self, log: Committed) -> None:
        self._log = log
        self._waiting: deque[tuple[EmbeddedWriter, list[Ack]]] = deque()
        self._wakeup = Wakeup()
        self._turn = threading.Lock()
        """Held while a sync runs."""
        self._pressing = False
        """Somebody only waits, so there is nothing to gather."""
        self._busy_at = time.monotonic()
        self._idle = False
        self._unsynced = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="penstock-log-sync", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stir(self) -> None:
        """Somebody appended."""
        if self._idle:
            self._idle = False
            self._wakeup.notify()

    def wrote(self) -> None:
        """Something was written that nobody waits for; it is to be synced soon. Call it after the write."""
        self._unsynced = True
        self.stir()

    def submit(self, writer: EmbeddedWriter, acks: list[Ack]) -> None:
        """Hand these acknowledgements over once what was written before this call is synced: soon, see `hurry`."""
        self._waiting.append((writer, acks))

    def hurry(self) -> None:
        """Have what was submitted synced in a moment, by the background thread."""
        self._wakeup.notify()

    def sync_here(self) -> None:
        """Sync in the calling thread; if a sync is under way already, the background thread makes the next one."""
        if not self._turn.acquire(blocking=False):
            self._pressing = True
            self._wakeup.notify()
            return
        try:
            self._sync()
        finally:
            self._turn.release()

    def stop(self) -> None:
        """Sync once more, deliver, and end the thread."""
        self._stopping = True
        self._wakeup.notify()
        self._thread.join()

    def _run(self) -> None:
        clock = time.monotonic
        ticked = synced = clock()
        while True:
            self._wait()
            stopping = self._stopping
            now = clock()
            if now - ticked >= TICK_S or stopping:
                ticked = now
                if self._log.write_queued() or self._unsynced:
                    self._busy_at = now
                elif now - self._busy_at > IDLE_AFTER_S:
                    self._idle = True
            if self._waiting and not (self._pressing or stopping):
                self._wakeup.wait_until(lambda: self._pressing or self._stopping or not self._waiting, GATHER_S)
            if self._waiting or (self._unsynced and (now - synced >= SYNC_EVERY_S or stopping)):
                self._pressing = False
                with self._turn:
                    self._sync()
                synced = now
            if stopping:
                return

    def _wait(self) -> None:
        if not self._idle:
            self._wakeup.wait_until(lambda: self._waiting or self._stopping, TICK_S)
            return
        # An append that came just before this saw a thread that isn't idle and told nobody.
        if not (self._log.write_queued() or self._unsynced):
            self._wakeup.wait_until(lambda: not self._idle or self._waiting or self._stopping, LONGEST_WAIT_S)
        self._idle = False

    def _sync(self) -> None:
        self._busy_at = time.monotonic()
        served = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._unsynced = False
        error: str | None = "the sync was interrupted"
        try:
            error = self._log.sync()
        finally:
            if error is not None:
                self._unsynced = True
            if served:
                self._log.deliver(served, error)
