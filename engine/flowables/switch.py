"""Switch: a rendered value chooses a case, `defaults` if none fits."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render


def open_switch(task: Task, render: Render) -> Opening:
    """Choose the case whose key is the rendered value's text."""
    value = str(render(task.properties.get("value", "")))
    branch = f"cases.{value}"
    known = branch in task.branches
    return Opening(branch=branch if known else "defaults", outputs={"value": value, "defaults": not known})


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.Switch",), open=open_switch)
