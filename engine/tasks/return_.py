"""Return: its rendered format is its output."""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render


def decide_return(task: Task, render: Render) -> Outcome:
    """Render the format."""
    written = task.properties.get("format")
    return Outcome(outputs={} if written is None else {"value": render(written)})


TASK = PureTask(types=("io.kestra.plugin.core.debug.Return",), decide=decide_return)
