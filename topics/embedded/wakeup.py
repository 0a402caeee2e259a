"""How a waiting thread learns at once that there is something for it.

Owns `Wakeup`, one per reader, writer or taker. It knows nothing of records: its owner says when it is ready.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

LONGEST_WAIT_S = 3600.0
"""A single wait is cut here, because the lock refuses timeouts that overflow; the loop around it goes on."""


class Wakeup:
    """A gate for one waiting thread.

    `notify` costs next to nothing while nobody waits. The order of things makes it safe without a lock: the waiter
    raises `waiting` before it looks once more, the notifier publishes before it looks at `waiting`.
    """

    __slots__ = ("_gate", "waiting")

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self.waiting = False

    def notify(self) -> None:
        """Let the waiting thread look again. Any thread may call it."""
        if self.waiting:
            # The gate is open if it was told already and has not run yet.
            with suppress(RuntimeError):
                self._gate.release()

    def wait_until(self, ready: Callable[[], object], timeout_s: float) -> bool:
        """Wait until `ready` is true, at most `timeout_s` seconds; return whether it was."""
        deadline = time.monotonic() + timeout_s
        self.waiting = True
        try:
            while not ready():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._gate.acquire(True, min(left, LONGEST_WAIT_S))
            return True
        finally:
            self.waiting = False
