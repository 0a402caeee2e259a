"""Sequential: children one after the other; the first failure stops it."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render


def open_sequential(_task: Task, _render: Render) -> Opening:
    """Begin with the first child."""
    return Opening()


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.Sequential",), open=open_sequential)
