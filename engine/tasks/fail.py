"""Fail: fails, if its condition holds or it has none."""

from __future__ import annotations

from engine.conditions import holds
from engine.flow.model import Task
from engine.tasks import Line, Outcome, PureTask, Render
from engine.values import State


def decide_fail(task: Task, render: Render) -> Outcome:
    """Fail with the error message, or succeed."""
    condition = task.properties.get("condition")
    if condition is not None and not holds(render(condition)):
        return Outcome()
    message = render(task.properties.get("errorMessage", "Task failure"))
    return Outcome(state=State.FAILED, lines=(Line("ERROR", str(message)),))


TASK = PureTask(types=("io.kestra.plugin.core.execution.Fail",), decide=decide_fail)
