"""Runs a script as processes on this host: its environment, its limits, its output while it runs.

Owns the Process task runner. What the script is and what its lines mean is `worker/scripts`'; that no process outlives
it is the warden's.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from worker.kill import Kill
from worker.runners.cgroups import Cgroups
from worker.runners.folders import AttemptFolder, Folders
from worker.runners.launcher import Answer, Launched, Launcher, LaunchError, Spec
from worker.runners.lines import LineSplitter
from worker.runners.settings import ProcessSettings

CHUNK = 256 * 1024
DRAIN_SECONDS = 2.0
"""How long after the end of all processes a pipe may still be open: only if its end was sent elsewhere."""


class Finished(msgspec.Struct, frozen=True):
    """How a script ended."""

    code: int
    """Exit code; 128 + n if signal n ended it, as a shell says it."""
    signal: int | None
    left_behind: int
    """Processes that it had left running; they were killed."""
    cpu_s: float
    memory_kb: int


class Sink(Protocol):
    """Takes a script's lines while it runs."""

    def line(self, text: str, from_stderr: bool) -> bool:
        """Take a line; return False once lines without the protocol's mark aren't wanted any more."""
        ...

    def pause(self) -> None:
        """No line is at hand now: what was held back to save work should go on."""
        ...


class ProcessRunner:
    """The Process task runner. Any thread may use it."""

    def __init__(self, settings: ProcessSettings) -> None:
        self.settings = settings
        self.folders = Folders(settings)
        self._launcher = Launcher()
        self._cgroups = None if settings.cgroups is None else Cgroups(settings.cgroups)

    def warm_up(self) -> None:
        """Make the first script as quick as the others."""
        self._launcher.warm_up()

    def close(self) -> None:
        """Kill what still runs."""
        self._launcher.close()
        self.folders.close()
        if self._cgroups is not None:
            self._cgroups.sweep()

    def environment(self, folder: AttemptFolder, given: Mapping[str, str]) -> dict[str, str]:
        """Return a script's whole environment; what is given wins."""
        inherited = {name: os.environ[name] for name in self.settings.inherited if name in os.environ}
        own = {"HOME": str(folder.home), "TMPDIR": str(folder.temporary), "PATH": os.defpath}
        return {**own, **inherited, **given}

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: AttemptFolder,
        sink: Sink,
        kill: Kill,
    ) -> Finished:
        """Run a script to its end.

        Args:
            arguments: Program and arguments.
            environment: All of it, see `environment`.
            folder: Where it runs.
            sink: Takes the lines as they come.
            kill: Ends it early.

        Raises:
            LaunchError: If the script can't be started.
        """
        groups = [] if self._cgroups is None else self._cgroups.make()
        spec = Spec(
            arguments=arguments,
            environment=environment,
            directory=str(folder.work),
            limits=self.settings.limits,
            user=self.settings.user,
            cgroups=groups,
            no_new_privileges=self.settings.no_new_privileges,
        )
        try:
            folder.occupied = True
            answer = self._follow(spec, sink, kill)
            folder.occupied = answer.stuck
            return _finished(answer)
        finally:
            if self._cgroups is not None:
                self._cgroups.give_back(groups)

    def _follow(self, spec: Spec, sink: Sink, kill: Kill) -> Answer:
        launched = self._launcher.launch(spec)
        try:
            with kill.heard_by(lambda at_once: self._end(launched, at_once)):
                return _follow(launched, sink)
        finally:
            launched.close()

    def _end(self, launched: Launched, at_once: bool) -> None:
        if at_once:
            launched.kill()
        else:
            launched.terminate(self.settings.kill_grace_ms)


def _follow(launched: Launched, sink: Sink) -> Answer:
    """Hand lines on until both streams and the script have ended."""
    splitters = {launched.out: LineSplitter(), launched.err: LineSplitter()}
    poll = select.poll()
    for descriptor in (*splitters, launched.control.fileno()):
        poll.register(descriptor, select.POLLIN)
    open_streams = set(splitters)
    answer: Answer | None = None
    give_up_at = 0.0
    while answer is None or open_streams:
        left_ms = None if answer is None else max(give_up_at - time.monotonic(), 0) * 1000
        ready = poll.poll(left_ms)
        if not ready:
            break
        for descriptor, _ in ready:
            if descriptor in splitters:
                chunk = os.read(descriptor, CHUNK)
                splitter = splitters[descriptor]
                from_stderr = descriptor == launched.err
                for line in splitter.feed(chunk) if chunk else splitter.end() if splitter.unfinished else ():
                    splitter.only_marked = not sink.line(line, from_stderr)
                if not chunk:
                    poll.unregister(descriptor)
                    open_streams.discard(descriptor)
            elif answer is None:
                answer = launched.receive()
                if answer is not None:
                    poll.unregister(descriptor)
                    give_up_at = time.monotonic() + DRAIN_SECONDS
        sink.pause()
    assert answer is not None
    return answer


def _finished(answer: Answer) -> Finished:
    if answer.refused is not None:
        raise LaunchError(f"The script can't be started: {answer.refused}")
    code = 137 if answer.code is None else answer.code
    return Finished(
        code=code if code >= 0 else 128 - code,
        signal=-code if code < 0 else None,
        left_behind=answer.left_behind,
        cpu_s=answer.cpu_s,
        memory_kb=answer.memory_kb,
    )
