"""Parallel: all children side by side, at most `concurrent` of them at once."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render, limit_of


def open_parallel(task: Task, render: Render) -> Opening:
    """Begin with as many children as the limit allows."""
    return Opening(order="parallel", limit=limit_of(task, "concurrent", render, 0))


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.Parallel",), open=open_parallel, order="parallel")
