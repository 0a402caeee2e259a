"""WorkingDirectory: children one after the other, in a folder that they share."""

from __future__ import annotations

from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render


def open_working_directory(_task: Task, _render: Render) -> Opening:
    """Begin with the first child. What is laid into the folder before is a worker's: see `Flowable.prepare`."""
    return Opening()


FLOWABLE = Flowable(
    types=("io.kestra.plugin.core.flow.WorkingDirectory",),
    open=open_working_directory,
    shared=True,
    prepare=("inputFiles", "namespaceFiles", "cache"),
    collect=("outputFiles", "cache"),
)
