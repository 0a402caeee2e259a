"""Runs attempts in threads: the runner that real workers have.

Owns the threads and which attempt is in which. It starts as many as are needed at once, and keeps them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from engine.execution.job import Job
from worker.kill import Kill, Why
from worker.ports import AttemptKey, Ended

Work = tuple[AttemptKey, Job, Kill]


class Pool:
    """See `worker.ports.Runner`.

    Args:
        run: Runs one attempt; must not raise.
        told: Called in the attempt's thread when `ended` has something new.
        discard: Removes a shared folder; must return at once.
    """

    def __init__(
        self,
        run: Callable[[AttemptKey, Job, Kill], Ended],
        told: Callable[[], None],
        discard: Callable[[str], None],
    ) -> None:
        self.discard = discard
        """See `worker.ports.Runner.discard`."""
        self._run = run
        self._told = told
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._kills: dict[AttemptKey, Kill] = {}
        self._ended: deque[Ended] = deque()
        self._threads: list[threading.Thread] = []

    def start(self, key: AttemptKey, job: Job) -> None:
        """See `worker.ports.Runner.start`."""
        kill = self._kills[key] = Kill()
        if len(self._kills) > len(self._threads):
            thread = threading.Thread(target=self._loop, name=f"worker-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.put((key, job, kill))

    def kill(self, key: AttemptKey, *, at_once: bool) -> None:
        """See `worker.ports.Runner.kill`."""
        kill = self._kills.get(key)
        if kill is not None:
            kill.ask(Why.KILLED, at_once=at_once)

    def ended(self) -> list[Ended]:
        """See `worker.ports.Runner.ended`."""
        found = [self._ended.popleft() for _ in range(len(self._ended))]
        for each in found:
            del self._kills[each.key]
        return found

    def close(self) -> None:
        """Let the threads end after what they run now."""
        for _ in self._threads:
            self._work.put(None)

    def _loop(self) -> None:
        while (work := self._work.get()) is not None:
            self._ended.append(self._run(*work))
            self._told()
