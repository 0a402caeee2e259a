"""What can happen between an execution and those that it starts."""

from __future__ import annotations

from engine.execution.caller import Caller
from engine.machine import Event
from engine.values import State


class ChildAsked(Event, frozen=True, kw_only=True):
    """A task run wants another execution to be created, or a former one of its own to be restarted."""

    child_id: str
    task_run_id: str
    execution_id: str
    """This execution, which waits for the answer."""
    namespace: str
    flow_id: str
    revision: int
    """0: the latest."""
    inputs_json: bytes = b"{}"
    raw: bool = True
    labels: dict[str, str] = {}
    trigger_json: bytes = b""
    schedule_ms: int | None = None
    variables_json: bytes = b""
    caller: Caller | None = None
    """Who is told of the child's end: this execution, or, if it is a further try of it, its own caller."""
    restart: bool = False
    """The execution `child_id` exists, and is restarted."""
    original_id: str | None = None
    tries: int = 1
    first_ms: int = 0
    kind: str = "NORMAL"
    sources: tuple[str, ...] = ()
    """As in `CreateExecution`: what this execution may read, its child may, as the files are handed on."""
    replaces: str = ""
    """Id of a former child that this one stands for from now on."""
    index: int = -1
    """Of a ForEachItem: which batch it runs."""

    @property
    def waits(self) -> bool:
        """True if this execution waits for the child's end."""
        return self.caller is not None and self.caller.execution_id == self.execution_id


class ChildBegan(Event, frozen=True, kw_only=True):
    """A child exists."""

    child_id: str
    task_run_id: str
    outputs_json: bytes = b""
    """Outputs that the task run has from now on: which execution it is."""


class ChildFinished(Event, frozen=True, kw_only=True):
    """A child has ended, or was refused."""

    child_id: str
    task_run_id: str
    execution_id: str
    """Which execution ended: a later one than `child_id` if that was tried again."""
    state: State
    outputs_json: bytes = b""
    """Of a batch: what the merge collects."""
    error: str = ""
    """Why it was refused."""


class BatchesOpened(Event, frozen=True, kw_only=True):
    """A task run begins to call an execution for each of its batches; after a restart, for those that failed."""

    task_run_id: str
    total: int
    base: str
    """What the URIs of the batches begin with."""
    suffix: str = ""


class ChildKillRequested(Event, frozen=True, kw_only=True):
    """A child is to be killed, as nobody waits for it any more."""

    child_id: str
    task_run_id: str
    execution_id: str
    """This execution, which waits for the answer."""


class CallerNamed(Event, frozen=True, kw_only=True):
    """Somebody waits for this execution's end."""

    caller: Caller


class CallerCalled(Event, frozen=True, kw_only=True):
    """The execution has ended, and its caller is to hear it."""

    caller: Caller
    execution_id: str
    """This execution."""
    state: State
    outputs_json: bytes = b""
    error: str = ""


class CallerHeard(Event, frozen=True, kw_only=True):
    """The caller knows of the end."""


class RetryNumbered(Event, frozen=True, kw_only=True):
    """This execution is a further try of one that failed."""

    tries: int
    """Which one, from 2."""
    first_ms: int
    """When the first was created."""
