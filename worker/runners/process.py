"""Runs a script as processes on this host: its folder, its environment, its limits, its output while it runs.

Owns the Process task runner. What the script is and what its lines mean is `worker/scripts`'; that no process outlives
it is the warden's.
"""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from worker.kill import Kill
from worker.runners.cgroups import Cgroups, CgroupSettings
from worker.runners.launcher import Answer, Launched, Launcher, LaunchError, Spec
from worker.runners.lines import LineSplitter

INHERITED = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ")
"""What a script gets of the worker's environment: it must not read the credentials of its worker."""

CHUNK = 256 * 1024
DRAIN_SECONDS = 2.0
"""How long after the end of all processes a pipe may still be open: only if its end was sent elsewhere."""


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How scripts run on this host."""

    folder: Path | None = None
    """Where working directories are made; None: the system's temporary folder."""
    inherited: Sequence[str] = INHERITED
    """Names of environment variables that scripts get from the worker."""
    limits: Mapping[str, int] = msgspec.field(default_factory=lambda: {"RLIMIT_NOFILE": 65_536})
    """By name of the resource: RLIMIT_CPU in seconds, RLIMIT_AS and RLIMIT_FSIZE in bytes, RLIMIT_NPROC,
    RLIMIT_NOFILE in numbers."""
    user: tuple[int, int] | None = None
    """User and group id that scripts get, if the worker runs as root."""
    cgroups: CgroupSettings | None = None
    """Bounds for all processes of a script together."""
    no_new_privileges: bool = True
    kill_grace_ms: int = 5_000
    """Between SIGTERM and SIGKILL."""


class Finished(msgspec.Struct, frozen=True):
    """How a script ended."""

    code: int
    """Exit code; 128 + n if signal n ended it, as a shell says it."""
    signal: int | None
    left_behind: int
    """Processes that it had left running; they were killed."""
    cpu_s: float
    memory_kb: int


class AttemptFolder:
    """The folders of one attempt; only this user may enter, and nothing of them stays.

    Args:
        settings: Where, and whose.
    """

    def __init__(self, settings: ProcessSettings) -> None:
        base = settings.folder
        if base is not None and not base.is_dir():
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="penstock-", dir=base)))
        self.work = self.root / "work"
        """Where the script runs, and what `outputFiles` are looked for in."""
        self.temporary = self.root / "tmp"
        self.home = self.root / "home"
        self.output = self.root / "output"
        """Where scripts with `outputDirectory` leave files; made for those only."""
        self._user = settings.user
        for folder in (self.work, self.temporary, self.home):
            os.mkdir(folder, 0o700)
        self.give(self.root, self.work, self.temporary, self.home)

    @property
    def variables(self) -> dict[str, str]:
        """Variables of templates that say where the folders are."""
        return {"workingDir": str(self.work), "outputDir": str(self.output)}

    def make_output(self) -> None:
        """Make the folder for output files."""
        self.output.mkdir(mode=0o700)
        self.give(self.output)

    def give(self, *paths: Path) -> None:
        """Let the script's user have files that the worker has made."""
        if self._user is not None:
            for path in paths:
                os.chown(path, *self._user, follow_symlinks=False)

    def remove(self) -> None:
        """Delete everything, whatever modes the script has set."""
        try:
            # Most scripts leave nothing, and this takes a third of the time.
            for own in (self.work, self.temporary, self.home, self.root):
                os.rmdir(own)
            return
        except OSError:
            shutil.rmtree(self.root, ignore_errors=True)
        if not self.root.exists():
            return
        for folder, names, _ in os.walk(self.root):
            # A folder without write permission refuses the deletion of its entries; links aren't followed.
            os.chmod(folder, 0o700)
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(self.root, ignore_errors=True)


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
        self._launcher = Launcher()
        self._cgroups = None if settings.cgroups is None else Cgroups(settings.cgroups)

    def warm_up(self) -> None:
        """Make the first script as quick as the others."""
        self._launcher.warm_up()

    def close(self) -> None:
        """Kill what still runs."""
        self._launcher.close()
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
            return _finished(self._follow(spec, sink, kill))
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
