"""Tells the requests of this process what was applied to the views: answers to commands, news for followers.

Owns the meeting of two threads: the projection publishes after its commit, the event loop delivers. Whoever registers
before reading the views misses nothing: what isn't in the views yet will be published.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api.projections.batch import Batch, LogRow
from engine.values import TERMINAL


class Overflow(Exception):
    """A follower was too slow: lines had to be dropped."""


class Follower:
    """News of one execution for one request; belongs to the event loop.

    Args:
        lines_max: Most lines that wait; 0 if only the execution's sequence is wanted.
    """

    def __init__(self, lines_max: int) -> None:
        self._lines_max = lines_max
        self._lines: deque[LogRow] = deque()
        self._changed = asyncio.Event()
        self.seq = -1
        """Highest number of an event that was applied since the follower began."""
        self._overflow = False

    def tell(self, seq: int, lines: list[LogRow]) -> None:
        """Take news in."""
        if seq < 0 and not self._lines_max:
            return
        self.seq = max(self.seq, seq)
        if self._lines_max:
            self._lines.extend(lines)
            if len(self._lines) > self._lines_max:
                self._lines.clear()
                self._overflow = True
        self._changed.set()

    def wake(self) -> None:
        """Make `wait` return."""
        self._changed.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for news; False if there were none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def take_lines(self) -> list[LogRow]:
        """Return the lines that came in.

        Raises:
            Overflow: If some were dropped because the follower was too slow.
        """
        if self._overflow:
            raise Overflow
        taken = list(self._lines)
        self._lines.clear()
        return taken


class FanOut:
    """The one place where requests wait for the projection."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._expected: dict[str, asyncio.Future[Any]] = {}
        self._followers: dict[str, set[Follower]] = {}
        self._awaiting_end: dict[str, set[Follower]] = {}
        self.following = 0
        """How many followers there are."""

    def attach(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Say in which event loop the requests live; None before it closes."""
        self._loop = loop

    @contextmanager
    def expect(self, request: str) -> Iterator[asyncio.Future[Any]]:
        """Give a future of the step that answers `request`. Enter before the command is appended."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._expected[request] = future
        try:
            yield future
        finally:
            self._expected.pop(request, None)

    @contextmanager
    def follow(self, execution_id: str, lines_max: int = 0, *, only_end: bool = False) -> Iterator[Follower]:
        """Give the news of an execution, or none before it ends. Enter before the views are read."""
        follower = Follower(lines_max)
        among = self._awaiting_end if only_end else self._followers
        among.setdefault(execution_id, set()).add(follower)
        self.following += 1
        try:
            yield follower
        finally:
            self.following -= 1
            left = among[execution_id]
            left.discard(follower)
            if not left:
                del among[execution_id]

    def wake(self) -> None:
        """Wake every follower though there is no news: the process stops. Called in the event loop."""
        for followers in (*self._followers.values(), *self._awaiting_end.values()):
            for follower in followers:
                follower.wake()

    def urges(self, batch: Batch) -> bool:
        """Return whether a request waits for a batch, so that it should be committed now. Any thread may ask."""
        expected = self._expected
        return (bool(expected) and any(request in expected for request, _ in batch.answers)) or bool(self._ended(batch))

    def _ended(self, batch: Batch) -> dict[str, int]:
        """Return the executions that end in a batch, of those whose end is awaited, with their sequence."""
        awaited = self._awaiting_end
        if not awaited:
            return {}
        changes = batch.executions
        return {id: changes[id].seq for id in list(awaited) if id in changes and changes[id].state in TERMINAL}

    def publish(self, batch: Batch) -> None:
        """Tell what a batch did; called by the projection's thread after the batch was committed."""
        loop = self._loop
        if loop is None:
            return
        expected, followers = self._expected, self._followers
        answers = [(request, step) for request, step in batch.answers if request in expected] if expected else []
        seqs: dict[str, int] = {}
        lines: dict[str, list[LogRow]] = {}
        if followers:
            seqs = {id: change.seq for id, change in batch.executions.items() if id in followers}
            for line in batch.lines:
                if line[0] in followers:
                    lines.setdefault(line[0], []).append(line)
        ended = self._ended(batch)
        if answers or seqs or lines or ended:
            try:
                loop.call_soon_threadsafe(self._deliver, answers, seqs, lines, ended)
            except RuntimeError:
                return  # The loop closed meanwhile; nobody waits any more.

    def _deliver(
        self,
        answers: list[tuple[str, Any]],
        seqs: dict[str, int],
        lines: dict[str, list[LogRow]],
        ended: dict[str, int],
    ) -> None:
        for request, step in answers:
            future = self._expected.get(request)
            if future is not None and not future.done():
                future.set_result(step)
        for execution_id in seqs.keys() | lines.keys():
            for follower in self._followers.get(execution_id, ()):
                follower.tell(seqs.get(execution_id, -1), lines.get(execution_id, []))
        for execution_id, seq in ended.items():
            for follower in self._awaiting_end.get(execution_id, ()):
                follower.tell(seq, [])
