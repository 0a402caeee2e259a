"""ForEachItem: a file in batches, and another flow for each of them.

It unfolds into three tasks, as authors know them from its outputs: a worker splits the file, the engine calls the flow
for each batch, and a worker merges what the calls gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render

TYPE = "io.kestra.plugin.core.flow.ForEachItem"
SPLIT = f"{TYPE}$ForEachItemSplit"
ITEMS = f"{TYPE}$ForEachItemExecutable"
MERGE = f"{TYPE}$ForEachItemMergeOutputs"


def open_for_each_item(_task: Task, _render: Render) -> Opening:
    """Begin with the split."""
    return Opening()


def unfold(task: Task) -> Mapping[str, tuple[Task, ...]]:
    """Return its branches, with the three tasks."""
    properties = dict(task.properties)
    split: dict[str, Any] = {key: properties.pop(key) for key in ("items", "batch") if key in properties}
    return {
        **task.branches,
        "tasks": (
            Task(id=f"{task.id}_split", type=SPLIT, properties=split),
            Task(id=f"{task.id}_items", type=ITEMS, properties={**properties, "split": f"{task.id}_split"}),
            Task(id=f"{task.id}_merge", type=MERGE, properties={"items": f"{task.id}_items"}),
        ),
    }


FLOWABLE = Flowable(types=(TYPE,), open=open_for_each_item, unfolds=unfold)
