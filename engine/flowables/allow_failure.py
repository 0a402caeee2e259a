"""AllowFailure: a Sequential whose failure is a warning; its own `errors` still run."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render


def open_allow_failure(_task: Task, _render: Render) -> Opening:
    """Begin with the first child."""
    return Opening()


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.AllowFailure",), open=open_allow_failure, tolerant=True)
