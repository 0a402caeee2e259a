"""Assert: fails if one of its conditions doesn't hold."""

from __future__ import annotations

from engine import expression
from engine.conditions import holds
from engine.flow.model import Task
from engine.tasks import Line, Outcome, PureTask, Render
from engine.values import State


def decide_assert(task: Task, render: Render) -> Outcome:
    """Check every condition and tell each that doesn't hold."""
    conditions = task.properties.get("conditions") or ()
    lines: list[Line] = []
    for condition in conditions if isinstance(conditions, list | tuple) else [conditions]:
        try:
            true = holds(render(condition))
        except expression.RenderError as error:
            lines.append(Line("ERROR", f"Assertion {condition!r} can't be rendered: {error}"))
            continue
        if not true:
            lines.append(Line("ERROR", f"Assertion {condition!r} failed"))
    if not lines:
        return Outcome()
    told = f"{len(lines)} assertion(s) failed!"
    message = task.properties.get("errorMessage")
    if message is not None:
        lines.append(Line("ERROR", str(render(message))))
    return Outcome(state=State.FAILED, lines=(*lines, Line("ERROR", told)))


TASK = PureTask(types=("io.kestra.plugin.core.execution.Assert",), decide=decide_assert)
