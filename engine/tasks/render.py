"""Render: what a worker does for the engine when a template of a flowable, a wait or `runIf` needs the world.

Owns the type's name. The engine makes such jobs itself (`engine/execution/asking.py`); in a flow it has no use.
"""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render

RENDER = "penstock.core.Render"


def decide_render(task: Task, render: Render) -> Outcome:
    """Render the templates, in order."""
    return Outcome(outputs={"rendered": [render(text) for text in task.properties["templates"]]})


TASK = PureTask(types=(RENDER,), decide=decide_render)
