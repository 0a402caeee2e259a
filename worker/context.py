"""What a plugin has while it runs one attempt: rendering, log, files, its folder, the request to end.

Owns the context and the plugin's side of the contract (`Plugin`, `Result`, `TaskFailed`). It knows no plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from engine import expression
from engine.execution.job import Job
from engine.values import State
from worker.history import History
from worker.kill import Kill, Killed
from worker.logs import AttemptLog
from worker.properties import Properties
from worker.runners.folders import AttemptFolder
from worker.runners.process import ProcessRunner
from worker.storage.access import AttemptFiles
from worker.storage.key_values import KeyValues


class TaskFailed(Exception):
    """The task failed in a way that its author understands; the message is the error line.

    Args:
        message: The whole sentence.
        outputs: What is kept although it failed.
    """

    def __init__(self, message: str, outputs: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.outputs = outputs


class Result(msgspec.Struct, frozen=True):
    """What a plugin came to."""

    outputs: dict[str, Any] | None = None
    state: State = State.SUCCESS
    """SUCCESS or WARNING; a failure is raised."""


class Reach(msgspec.Struct, frozen=True):
    """What plugins reach beside files and processes."""

    keys: KeyValues
    """Key-value stores."""
    history: History
    """Lines of executions."""


class RunContext:
    """One attempt, as its plugin sees it.

    Args:
        job: What to run.
        log: Its log.
        files: Stored files it may see.
        processes: Runs scripts.
        kill: Its request to end.
        world: Functions of templates that reach outside.
        now_ms: Time that templates see, Unix milliseconds.
        reach: What lies outside of the attempt.
    """

    def __init__(
        self,
        job: Job,
        log: AttemptLog,
        files: AttemptFiles,
        processes: ProcessRunner,
        kill: Kill,
        world: Mapping[str, Callable[..., Any]],
        now_ms: int,
        reach: Reach,
    ) -> None:
        self.job = job
        self.log = log
        self.files = files
        self.processes = processes
        self.kill = kill
        self.keys = reach.keys
        self.history = reach.history
        self._world = world
        self.now_ms = now_ms
        self._folder: AttemptFolder | None = None
        self._shared: Path | None = None

    def render(self, value: Any, more: Mapping[str, Any] | None = None) -> Any:
        """Return a JSON-like value with every template in it rendered.

        Args:
            value: What to render.
            more: Further variables.

        Raises:
            expression.RenderError: If a template can't be rendered.
            expression.NeedsWorld: If it calls a function that workers don't offer.
        """
        return expression.render_value(value, self._scope(more))

    def evaluate(self, value: Any, more: Mapping[str, Any] | None = None) -> Any:
        """Return what a text comes to: if it is one expression, that one's value and not its text.

        Raises as `render` does; what isn't a text is rendered.
        """
        if not isinstance(value, str):
            return self.render(value, more)
        return expression.compile_template(value, self.job.dialect).evaluate(self._scope(more))

    def _scope(self, more: Mapping[str, Any] | None) -> expression.Scope:
        job = self.job
        return expression.Scope(
            variables={**job.variables, **more} if more else job.variables,
            now_ms=self.now_ms,
            entropy=f"{job.execution_id}/{job.task_run_id}/{job.epoch}",
            world=self._world,
            dialect=job.dialect,
        )

    @property
    def folder(self) -> AttemptFolder:
        """The attempt's folders; made when first asked for, removed at its end.

        Where the job shares its working directory with others, that one is theirs too, and stays.

        Raises:
            StorageError: If the shared one can't be had.
        """
        if self._folder is None:
            folder = self._folder = self.processes.folders.take()
            self._shared = self.files.take_folder(folder.user, self.now_ms)
            if self._shared is not None:
                folder.work = self._shared
        return self._folder

    def wait(self, seconds: float) -> None:
        """Do nothing for a time.

        Raises:
            Killed: If the attempt is to end.
        """
        if self.kill.wait(max(seconds, 0)):
            raise Killed

    def close(self) -> None:
        """Remove what the attempt has made on this host; what it leaves in a shared folder is the next one's."""
        folder, shared = self._folder, self._shared
        self._folder = self._shared = None
        if folder is not None:
            self.processes.folders.give_back(folder)
        if shared is not None:
            self.files.give_folder_back(shared)


P = TypeVar("P", bound=Properties)
P_in = TypeVar("P_in", bound=Properties, contravariant=True)


class Executable(Protocol):
    """A type of task as the worker runs it."""

    @property
    def type(self) -> str:
        """Canonical type name."""
        ...

    def execute(self, context: RunContext) -> Result:
        """Run one attempt in the calling thread.

        Raises:
            TaskFailed: With the sentence that the flow's author reads. Anything else raised counts as a failure too.
            Killed: If it stopped because it was asked to.
        """
        ...


class Run(Protocol[P_in]):
    """Runs an attempt with its properties."""

    def __call__(self, context: RunContext, properties: P_in) -> Result:
        """Return what it came to; raises as `Executable.execute` does."""
        ...


class Plugin(Generic[P]):
    """A type of task with typed properties.

    Args:
        type: Canonical type name.
        properties: Model of its properties.
        run: Runs one attempt.
        in_folder: The templates may read `workingDir` and `outputDir`.
        typed: Outside names of properties that keep the value of a lone expression; of all others it is the text.
    """

    def __init__(
        self,
        type: str,
        properties: type[P],
        run: Run[P],
        *,
        in_folder: bool = False,
        typed: frozenset[str] = frozenset(),
    ) -> None:
        self.type = type
        self.properties = properties
        self._run = run
        self._in_folder = in_folder
        self._typed = typed

    def execute(self, context: RunContext) -> Result:
        """See `Executable.execute`.

        Raises:
            expression.RenderError: If a template can't be rendered.
            pydantic.ValidationError: If a value doesn't fit.
        """
        more = context.folder.variables if self._in_folder else None
        written = context.job.properties
        typed = {name: context.evaluate(written[name], more) for name in written if name in self._typed}
        rendered = context.render({name: written[name] for name in written if name not in typed}, more)
        return self._run(context, self.properties.model_validate({**rendered, **typed}))
