"""SetVariables and UnsetVariables: change what `vars` is from here on in this execution."""

from __future__ import annotations

from collections.abc import Mapping

from engine.conditions import holds
from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render, Update

_SET = "io.kestra.plugin.core.execution.SetVariables"
_UNSET = "io.kestra.plugin.core.execution.UnsetVariables"


def decide_variables(task: Task, render: Render) -> Outcome:
    """Render the variables, or their names."""
    rendered = render(task.properties.get("variables"))
    if task.type == _SET:
        if not isinstance(rendered, Mapping):
            raise ValueError(f"variables: expected a map, but got {type(rendered).__name__}")
        overwrite = holds(render(task.properties.get("overwrite", True)))
        return Outcome(update=Update(variables=dict(rendered), overwrite=overwrite))
    if not isinstance(rendered, list | tuple):
        raise ValueError(f"variables: expected a list of names, but got {type(rendered).__name__}")
    ignore = holds(render(task.properties.get("ignoreMissing", False)))
    return Outcome(update=Update(unset=tuple(map(str, rendered)), ignore_missing=ignore))


TASK = PureTask(types=(_SET, _UNSET), decide=decide_variables, asks=True)
