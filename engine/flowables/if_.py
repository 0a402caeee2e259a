"""If: a condition, rendered once when it begins, chooses between two branches."""

from __future__ import annotations

from engine.conditions import holds
from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render


def open_if(task: Task, render: Render) -> Opening:
    """Choose `then` or `else`."""
    true = holds(render(task.properties.get("condition", "")))
    return Opening(branch="then" if true else "else", outputs={"evaluationResult": true})


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.If",), open=open_if)
