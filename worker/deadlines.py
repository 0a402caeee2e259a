"""Calls something when its time has come, unless it was withdrawn: the timeouts of attempts.

Owns one thread for all of them, started with the first.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Entry:
    """One timeout; withdrawn by taking its call away."""

    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call: Callable[[], None] | None = call

    def __lt__(self, other: _Entry) -> bool:
        return self.at < other.at


class Deadlines:
    """Timeouts that wait.

    Args:
        monotonic: The clock, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._condition = threading.Condition()
        self._waiting: list[_Entry] = []
        self._withdrawn = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def after(self, seconds: float | None, call: Callable[[], None]) -> Iterator[None]:
        """Call `call` in a thread of our own if the block still runs after `seconds`; None never does.

        It must be quick, as other timeouts wait for it.
        """
        if seconds is None:
            yield
            return
        entry = self._add(seconds, call)
        try:
            yield
        finally:
            self._withdraw(entry)

    def close(self) -> None:
        """End the thread; nothing is called any more."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _add(self, seconds: float, call: Callable[[], None]) -> _Entry:
        entry = _Entry(self._monotonic() + seconds, call)
        with self._condition:
            heapq.heappush(self._waiting, entry)
            if self._waiting[0] is entry:
                self._condition.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="worker-deadlines", daemon=True)
                self._thread.start()
        return entry

    def _withdraw(self, entry: _Entry) -> None:
        with self._condition:
            if entry.call is None:
                return
            entry.call = None
            self._withdrawn += 1
            if self._withdrawn > 1000 and self._withdrawn * 2 > len(self._waiting):
                # Long timeouts of short attempts would pile up until they are due.
                self._waiting = [each for each in self._waiting if each.call is not None]
                heapq.heapify(self._waiting)
                self._withdrawn = 0

    def _run(self) -> None:
        while True:
            with self._condition:
                if self._closed:
                    return
                left = self._waiting[0].at - self._monotonic() if self._waiting else None
                if left is None or left > 0:
                    self._condition.wait(left)
                    continue
                entry = heapq.heappop(self._waiting)
                call, entry.call = entry.call, None
                if call is None:
                    self._withdrawn -= 1
                    continue
            call()
