"""How the threads of the views go on after failures: again after those that pass, not at all after the others.

Owns the loop around such a thread's work and what becomes of its end. The work itself is `tail.py`'s and `group.py`'s.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

RETRY_S = 1.0
"""Pause after a failure of the database or the log."""


class Perseverance:
    """Does work again until it is told to stop, or meets what waiting doesn't mend.

    Args:
        stopping: Set when the work is to end.
        passing: Failures after which the work is begun again, unless they say themselves that they aren't retriable.
        on_failure: Called once, from the thread, with any other.
    """

    def __init__(
        self,
        stopping: threading.Event,
        passing: tuple[type[Exception], ...],
        on_failure: Callable[[BaseException], None] | None,
    ) -> None:
        self._stopping = stopping
        self._passing = passing
        self._on_failure = on_failure
        self.failure: BaseException | None = None
        """What ended the work."""
        self._failures: dict[int, list[str]] = {}
        """Of each thread since it went well."""

    @property
    def trouble(self) -> str | None:
        """What keeps the work from going on; None after a single failure, as most of them pass at once."""
        repeated = [failures[-1] for failures in list(self._failures.values()) if len(failures) > 1]
        return repeated[0] if repeated else None

    def well(self) -> None:
        """Take in that the work goes on; called by the work, in its thread."""
        self._failures.pop(threading.get_ident(), None)

    def keep_at(self, work: Callable[[], None]) -> None:
        """Do the work, again and again."""
        try:
            while not self._stopping.is_set():
                try:
                    work()
                except self._passing as error:
                    if not getattr(error, "retriable", True):
                        raise
                    me = threading.get_ident()
                    self._failures[me] = [*self._failures.get(me, [])[-1:], str(error)]
                    logger.warning("The views fall behind: %s. Trying again; no data is lost.", error)
                    self._stopping.wait(RETRY_S)
        except BaseException as error:
            self.failure = error
            logger.exception("The views stopped: reads show an old state until the API is restarted")
            if self._on_failure is not None:
                self._on_failure(error)
