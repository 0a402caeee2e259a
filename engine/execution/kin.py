"""Rows about other executions: those that a task run called, and who called this one.

Owns their classes and keys; `state.py` has all others.
"""

from __future__ import annotations

from engine.execution.caller import Caller
from engine.execution.events.children import CallerCalled, ChildAsked
from engine.machine import Row
from engine.values import State

AWAITED = "p"
TRIES = "r"


class Child(Row, frozen=True, kw_only=True):
    """Another execution that a task run asked for; key from `child_key`.

    It is there until the execution was accepted (if nobody waits for it) or has ended well; of one that ended
    otherwise it stays, for a restart.
    """

    asked: ChildAsked
    """What was asked for; without inputs once it was accepted."""
    accepted: bool = False
    killing: bool = False
    state: State | None = None
    """How it ended."""
    execution_id: str = ""
    """Which execution ended."""


class Batches(Row, frozen=True, kw_only=True):
    """The batches of a task run that calls an execution for each; key from `batches_key`."""

    total: int
    base: str
    suffix: str = ""
    started: int = 0
    """Batches whose execution was asked for: the cursor."""
    active: int = 0
    ended: dict[str, int] = {}
    """How many came to which state."""
    error: str = ""
    """Why one was refused."""


class Awaited(Row, frozen=True, kw_only=True):
    """Who waits for this execution's end, or waited; key `p`."""

    caller: Caller
    end: CallerCalled | None = None
    """What they are to hear."""
    heard: bool = False


class Tries(Row, frozen=True, kw_only=True):
    """How often the flow was tried, if more than once; key `r`."""

    tries: int
    first_ms: int


KIN_ROWS: dict[str, type[Row]] = {"x": Child, "b": Batches, "p": Awaited, "r": Tries}


def child_key(task_run_id: str, child_id: str) -> str:
    """Return the key of a child's row."""
    return f"x/{task_run_id}/{child_id}"


def batches_key(task_run_id: str) -> str:
    """Return the key of the row of a task run's batches."""
    return "b/" + task_run_id
