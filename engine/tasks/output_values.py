"""OutputValues: its rendered values are its output."""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render


def decide_output_values(task: Task, render: Render) -> Outcome:
    """Render the values."""
    return Outcome(outputs={"values": render(task.properties.get("values") or {})})


TASK = PureTask(types=("io.kestra.plugin.core.output.OutputValues",), decide=decide_output_values)
