"""One input given to a target, with a watch on what it may take.

Owns the verdict: a target that lets an exception out, takes over a second of CPU for one step, or leaves the process
larger than it may be, has failed. CPU time is counted, so a busy machine fails nobody; and as a virtual machine that
was halted may count that as CPU time, what took too long is tried once more.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NamedTuple

Target = Callable[[str], Iterator[str]]
"""Yields the name of each step before it takes it."""

SECONDS_MAX = 1.0
"""CPU time of one step."""
MEMORY_MAX = 256 << 20
"""Of the whole process, the interpreter and the engine's tables included."""

_ROOM = 512 << 20
"""Address space on top of what the process has: what goes far beyond is stopped before the machine feels it."""
_KILLED_AFTER = 5
"""Seconds of CPU after which a process that hears no signal is killed: it hangs inside of a C library."""


class Failure(NamedTuple):
    """What went wrong; two inputs with the same `kind` and `place` have found the same thing."""

    kind: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}"


_TOO_LONG = "takes too long"


class _Slow(BaseException):
    """The step has had its time."""


def _alarm(_signal: int, _frame: FrameType | None) -> None:
    raise _Slow


def watch() -> None:
    """Prepare this process for `attempt`; needs its main thread."""
    signal.signal(signal.SIGPROF, _alarm)


def attempt(target: Target, text: str) -> Failure | None:
    """Return how the target failed on this input, None if it didn't."""
    failure = _attempt(target, text)
    return _attempt(target, text) if failure is not None and failure.kind == _TOO_LONG else failure


def _attempt(target: Target, text: str) -> Failure | None:
    step = "start"
    try:
        try:
            steps = target(text)
            while True:
                signal.setitimer(signal.ITIMER_PROF, SECONDS_MAX)
                step = next(steps)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except StopIteration:
        pass
    except _Slow as slow:
        return Failure(_TOO_LONG, step, _shown(slow))
    except (Exception, RecursionError) as error:
        return Failure(type(error).__name__, f"{step}, {_innermost(error)}", _shown(error))
    if memory_used() > MEMORY_MAX:
        return Failure("takes too much memory", step, f"{memory_used() >> 20} MB")
    return None


def memory_used() -> int:
    """Return the most memory that this process ever had, in bytes.

    Linux counts it for the program that runs now in `VmHWM`; `ru_maxrss` holds that of whoever started it, too.
    """
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def bound_memory() -> None:
    """Refuse this process memory far beyond what it may take, where the system tells how much it has."""
    if not os.path.exists("/proc/self/statm"):
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))


def attempt_apart(target: Target, text: str) -> Failure | None:
    """Return what `attempt` does, from a process of its own that may crash, hang or be killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _answer(target, text, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Failure("dies", signal.Signals(os.WTERMSIG(status)).name, "")
    if not answer:
        return Failure("dies", f"exit {os.waitstatus_to_exitcode(status)}", "")
    found: Failure | None = pickle.loads(answer)
    return found


def _answer(target: Target, text: str, writer: int) -> None:
    """Try the input in the child of a fork, and end it."""
    try:
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + _KILLED_AFTER, spent + _KILLED_AFTER))
        bound_memory()
        watch()
        os.write(writer, pickle.dumps(attempt(target, text)))
    finally:
        os._exit(0)


def _innermost(error: BaseException) -> str:
    """Return the function of ours that is nearest to where an exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/engine/" in frame.filename or "/tests/" in frame.filename]
    found = (ours or frames)[-1]
    return f"{os.path.relpath(found.filename, sys.path[0] or '.')}: {found.name}"


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-6))
