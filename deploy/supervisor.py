"""Runs the roles of one process in threads, until a signal comes or one of them dies.

Owns the threads, the signals and the order of the stop. What a role does is the role's own; a role that ends without
being asked takes the whole process down, because half of Penstock looks alive and isn't.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import msgspec

from deploy.own_log import in_one_line

logger = logging.getLogger(__name__)

STOP_SECONDS = 30.0
"""How long one role may take to stop: a worker hands its attempts back, an executor finishes its step. An orchestrator
kills after 30 s as a rule, so waiting longer would gain nothing."""


class Role(msgspec.Struct, frozen=True):
    """A part of the process with a thread of its own."""

    name: str
    run: Callable[[], None]
    """Works until `stop` was called."""
    stop: Callable[[], None]
    """Asks `run` to return soon; may be called from any thread, more than once."""


class RoleDied(Exception):
    """A role ended without being asked; its cause is chained."""


class Supervisor:
    """The threads of one process.

    Args:
        roles: In the order in which they start; they stop in the reverse order.
    """

    def __init__(self, roles: Sequence[Role]) -> None:
        self._roles = roles
        self._threads: list[threading.Thread] = []
        self._ended: queue.SimpleQueue[tuple[str, BaseException | None]] = queue.SimpleQueue()

    def start(self) -> None:
        """Start every role."""
        for role in self._roles:
            thread = threading.Thread(target=self._run, args=(role,), name=role.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def ask_to_stop(self) -> None:
        """Make `wait` return; may be called from any thread and from a signal handler."""
        self._ended.put(("", None))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until asked to stop; False if the time was up first.

        Raises:
            RoleDied: If a role ended.
        """
        try:
            name, error = self._ended.get(timeout=timeout_s)
        except queue.Empty:
            return False
        if name:
            reason = in_one_line(error) if error else "it returned without being asked"
            raise RoleDied(f"the {name} died, so the process stops; start it again: {reason}") from error
        return True

    def stop(self) -> list[str]:
        """Stop every role, last one first; return the names of those that didn't stop in time."""
        late = []
        for role, thread in reversed(list(zip(self._roles, self._threads, strict=False))):
            try:
                role.stop()
            except Exception:
                logger.exception("the %s could not be asked to stop", role.name)
            thread.join(STOP_SECONDS)
            if thread.is_alive():
                late.append(role.name)
                logger.error("the %s did not stop within %d s", role.name, STOP_SECONDS)
        return late

    def _run(self, role: Role) -> None:
        error: BaseException | None = None
        try:
            role.run()
        except BaseException as raised:
            error = raised
            logger.debug("the %s raised", role.name, exc_info=True)
        self._ended.put((role.name, error))


@contextmanager
def signals_ask(ask: Callable[[], None], at_last: Callable[[], None] | None = None) -> Iterator[None]:
    """Call `ask` on SIGTERM and SIGINT; on the second one the process ends at once.

    Args:
        ask: Called on the first one.
        at_last: Called before the second one ends the process, for what would stay behind; a third one doesn't wait
            for it.
    """

    def asked(_number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            # A handler of ours would have to wait for Python's next instruction.
            signal.signal(each, signal.SIG_DFL if at_last is None else ended)
        ask()

    def ended(number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        if at_last is not None:
            at_last()
        signal.raise_signal(number)

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
