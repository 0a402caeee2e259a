"""Dag: a child starts when every task that it depends on has ended."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render, limit_of


def open_dag(task: Task, render: Render) -> Opening:
    """Begin with the children that depend on nothing."""
    return Opening(order="dag", limit=limit_of(task, "concurrent", render, 0))


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.Dag",), open=open_dag, order="dag")
