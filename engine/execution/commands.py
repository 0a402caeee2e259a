"""What may be asked of an execution. Each is one record of `executions.inbox`, keyed by the execution's id."""

from __future__ import annotations

from enum import StrEnum

from engine.execution.caller import Caller
from engine.execution.carried import CarriedRun
from engine.machine import Command, FireTimer
from engine.values import State

__all__ = ["FireTimer"]


class SlotAnswer(StrEnum):
    """What the slots of a flow say about a request for one."""

    GRANTED = "GRANTED"
    QUEUED = "QUEUED"
    REFUSED = "REFUSED"
    RETURNED = "RETURNED"
    """The execution has none: it was taken back."""


class CreateExecution(Command, frozen=True, kw_only=True):
    """Start a run of a flow; repeated with the same execution id it changes nothing."""

    namespace: str
    flow_id: str
    revision: int
    """0: the latest as of now."""
    inputs_json: bytes = b"{}"
    """Validated and typed inputs, nested as expressions read them."""
    labels: dict[str, str] = {}
    """Labels of the request; the flow's own come first."""
    trigger_json: bytes = b""
    """`{id, type, variables}` of what started it; empty if a person or program did."""
    parent_id: str | None = None
    original_id: str | None = None
    variables_json: bytes = b""
    schedule_ms: int | None = None
    """Not before this time."""
    kind: str = "NORMAL"
    variables_whole: bool = False
    """True: the variables take the place of the flow's; False: they are put over them."""
    resumes: bool = False
    """It goes on where another execution was: it shows RESTARTED before it runs."""
    sources: tuple[str, ...] = ()
    """Executions that it follows from, as `<namespace>/<flow>/<id>`: what it is given may name files of theirs."""
    carried: tuple[CarriedRun, ...] = ()
    """What it takes over from that one, see `engine.execution.replay`."""
    failure: str = ""
    """Why it can only fail: what should have been its inputs can't be rendered."""
    reply_kind: str = ""
    """Kind of the aggregate that is told once the execution exists, however often it is asked for; empty: nobody."""
    reply_id: str = ""
    reply_end: bool = False
    """It is told of the end, too."""
    asked_by: str = ""
    """Execution that asked for it and waits for the answer `ChildAccepted` or `ChildRefused`; empty: nobody does."""
    asked_by_run: str = ""
    """Task run of `asked_by`."""
    caller: Caller | None = None
    """Who is told of the end."""
    tries: int = 1
    """Which execution of a retried flow it is, counting from 1."""
    first_ms: int = 0
    """When the first of them was created; 0: now."""
    raw: bool = False
    """The inputs are as somebody wrote them: they get their types and defaults when the execution is created."""


class NoteStarterHeard(Command, frozen=True, kw_only=True):
    """Whoever started this execution knows of its end."""


class NoteListenerReached(Command, frozen=True, kw_only=True):
    """A trigger that was told something by this execution has taken it into account."""

    told_id: str


class ChildAccepted(Command, frozen=True, kw_only=True):
    """An execution that a task run asked for exists."""

    task_run_id: str
    child_id: str
    waits: bool
    """The task run waits for its end."""


class ChildRefused(Command, frozen=True, kw_only=True):
    """An execution that a task run asked for can't be created, or not go on."""

    task_run_id: str
    child_id: str
    error: str


class ChildEnded(Command, frozen=True, kw_only=True):
    """An execution that a task run waits for has ended."""

    task_run_id: str
    child_id: str
    execution_id: str
    """The one that ended: another one than `child_id` if it was retried; empty if there never was one."""
    state: State
    outputs_json: bytes = b""
    error: str = ""
    """Why its outputs can't be had, or why it ended as it did if no task run says so."""


class NoteCallerHeard(Command, frozen=True, kw_only=True):
    """The caller has heard of the end."""


class ClaimAttempt(Command, frozen=True, kw_only=True):
    """A worker with a free slot asks for an attempt that a doorbell told of."""

    task_run_id: str
    epoch: int
    worker_id: str


class ReportTaskEnded(Command, frozen=True, kw_only=True):
    """A worker tells how an attempt ended; counts only under the attempt's current epoch."""

    task_run_id: str
    epoch: int
    worker_id: str
    state: State
    outputs_json: bytes = b""
    error: str = ""


class AttemptLost(Command, frozen=True, kw_only=True):
    """The worker that held an attempt is gone (no heartbeat), or hands it back (graceful stop)."""

    task_run_id: str
    epoch: int
    worker_id: str
    started: bool = True
    """False: the worker is sure that the attempt never began, so it may simply be queued again."""


class KillExecution(Command, frozen=True, kw_only=True):
    """Stop everything and end as KILLED."""

    asked_by: str = ""
    """Execution that asked for this one, and waits to hear that it has ended; empty: a person or program kills it."""
    asked_by_run: str = ""


class PauseExecution(Command, frozen=True, kw_only=True):
    """Let running tasks finish, start no further ones."""


class ResumeExecution(Command, frozen=True, kw_only=True):
    """Go on after a pause: of the execution, or of its first paused Pause task."""

    inputs_json: bytes = b"{}"
    """For a Pause with `onResume`: the validated values."""
    task_run_id: str = ""
    """Which paused task run; empty: the first."""


class RestartExecution(Command, frozen=True, kw_only=True):
    """Run what failed once more, under the same execution id."""

    revision: int | None = None
    """Go on with another revision of the flow."""
    asked_by: str = ""
    """As in `CreateExecution`: its task run is restarted itself, and its child with it."""
    asked_by_run: str = ""
    caller: Caller | None = None


class MarkReplayed(Command, frozen=True, kw_only=True):
    """Note that another execution replays this one."""


class DeleteExecution(Command, frozen=True, kw_only=True):
    """Let nobody find an ended execution any more."""


class UpdateLabels(Command, frozen=True, kw_only=True):
    """Set labels of an execution; system labels stay."""

    labels: dict[str, str]
    over: bool = False
    """True: other labels stay, too; False: these take the place of all."""


class ChangeExecutionState(Command, frozen=True, kw_only=True):
    """Say of an ended execution that it ended in another state; nothing runs because of it."""

    state: State


class ChangeTaskRunState(Command, frozen=True, kw_only=True):
    """Say of a task run of an ended execution that it ended in another state; the execution goes on with that."""

    task_run_id: str
    state: State


class AnswerSlot(Command, frozen=True, kw_only=True):
    """The slots of a limited flow tell an execution what has become of its request."""

    scope: str
    """Whose answer it is, the flow's uid."""
    number: int
    """Of the request, see `engine/slots/commands.py`."""
    answer: SlotAnswer


class ForceRunExecution(Command, frozen=True, kw_only=True):
    """Run now: neither for a slot, nor for its time, nor for a person is it waited any longer."""


class UnqueueExecution(Command, frozen=True, kw_only=True):
    """Take a QUEUED execution out of the queue."""

    state: State = State.RUNNING
    """RUNNING lets it run beyond the limit; CANCELLED and FAILED end it."""


class AbandonExecution(Command, frozen=True, kw_only=True):
    """End as FAILED because a record can't be processed. Made by the partition's owner, never written to the inbox."""

    error: str
