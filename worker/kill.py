"""A request to end an attempt before its time: asked once, heard by whoever runs something for it.

Owns the request only. How a script is ended is the runner's, when a timeout is over is `deadlines.py`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum


class Why(Enum):
    """Why an attempt is to end."""

    KILLED = "killed"
    TIMEOUT = "timeout"


class Killed(Exception):
    """Raised inside a plugin that was asked to end."""


class Kill:
    """The request of one attempt. Any thread may use it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._listeners: list[Callable[[bool], None]] = []
        self.why: Why | None = None
        """The first reason; later ones don't change it."""
        self.at_once = False
        """True: no grace. Somebody else may begin the attempt any moment."""

    def ask(self, why: Why, *, at_once: bool = False) -> None:
        """Ask for the end. Asking again only matters if it is more urgent than before."""
        with self._condition:
            if self.why is not None and (self.at_once or not at_once):
                return
            self.why = self.why or why
            self.at_once = self.at_once or at_once
            listeners = list(self._listeners)
            self._condition.notify_all()
        for tell in listeners:
            tell(at_once)

    @contextmanager
    def heard_by(self, tell: Callable[[bool], None]) -> Iterator[None]:
        """Call `tell(at_once)` while the block runs, right away if the end was asked for already.

        `tell` runs in the asking thread: it must be quick, and it may be called twice.
        """
        with self._condition:
            self._listeners.append(tell)
            asked, at_once = self.why is not None, self.at_once
        if asked:
            tell(at_once)
        try:
            yield
        finally:
            with self._condition:
                self._listeners.remove(tell)

    def wait(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` seconds; return whether the end was asked for."""
        with self._condition:
            return self._condition.wait_for(lambda: self.why is not None, timeout_s)
