"""Toggle: turns a trigger that goes by time off or on."""

from __future__ import annotations

from engine.conditions import holds
from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render, Switch, Update


def decide_toggle(task: Task, render: Render) -> Outcome:
    """Render which trigger it is, of the own flow unless another one is named."""
    properties = task.properties
    switch = Switch(
        namespace=str(render(properties.get("namespace", "{{ flow.namespace }}"))),
        flow_id=str(render(properties.get("flowId", "{{ flow.id }}"))),
        trigger_id=str(render(properties.get("trigger"))),
        disabled=not holds(render(properties.get("enabled", False))),
    )
    return Outcome(update=Update(switch=switch))


TASK = PureTask(types=("io.kestra.plugin.core.trigger.Toggle",), decide=decide_toggle, asks=True)
