"""The part of ForEachItem that calls a flow for each batch."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables.for_each_item import ITEMS
from engine.tasks import CallEach, PureTask, Render
from engine.tasks.subflow import read_call


def decide_items(task: Task, render: Render) -> CallEach:
    """Render whom to call; with what is rendered for each batch."""
    inputs = task.properties.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise ValueError(f"inputs: expected a map, but got {type(inputs).__name__}")
    return CallEach(call=read_call(task.properties, render, inputs), split=str(task.properties["split"]))


TASK = PureTask(types=(ITEMS,), decide=decide_items, asks=True, calls=True)
