"""A task run of one execution as another one takes it over; it travels inside commands, events and rows.

Owns the classes and their weight. Which task runs are taken over is `replay.py`'s, what becomes of them in the new
execution `carrying.py`'s.
"""

from __future__ import annotations

import msgspec

from engine.values import State


class Moment(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A state that a task run reached in the execution that it comes from."""

    state: State
    at_ms: int
    worker_id: str = ""


class CarriedRun(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One task run."""

    id: str
    """Its id in the new execution: the one that a task run in its place gets anyhow."""
    task_id: str
    state: State
    """How it ended. RESTARTED: it is only known, and runs once more as its next attempt; RUNNING: its children go on
    without it beginning anew (a Pause that was resumed, a LoopUntil in a later turn)."""
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    path: tuple[str, ...] = ()
    """Values of the loops around it, outermost first: it counts only where they are the same."""
    attempts: int = 0
    history: tuple[Moment, ...] = ()
    outputs_json: bytes = b""
    error: str = ""
    turn: int = 0
    """Of a LoopUntil with state RUNNING: in which turn it goes on."""
    top: str = ""
    """Id of the carried task run that this one belongs to and comes with; empty: it comes when its place is reached."""


def weight_of(run: CarriedRun) -> int:
    """Return about how many bytes a carried task run takes."""
    return 150 + 20 * len(run.history) + len(run.outputs_json) + len(run.error) + sum(map(len, run.path))
