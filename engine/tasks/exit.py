"""Exit: ends the whole execution."""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render, Update
from engine.values import State

_STATES = {
    "SUCCESS": State.SUCCESS,
    "WARNING": State.WARNING,
    "FAILED": State.FAILED,
    "KILLED": State.KILLED,
    "CANCELLED": State.CANCELLED,
    "CANCELED": State.CANCELLED,
}


def decide_exit(task: Task, render: Render) -> Outcome:
    """End in the state it names, SUCCESS if it names none."""
    written = str(render(task.properties.get("state", "SUCCESS"))).upper()
    state = _STATES.get(written)
    if state is None:
        raise ValueError(f"state: expected one of {', '.join(sorted(_STATES))}, but got {written!r}")
    return Outcome(state=state, update=Update(exit=state))


TASK = PureTask(types=("io.kestra.plugin.core.execution.Exit",), decide=decide_exit, asks=True)
