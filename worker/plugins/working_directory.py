"""WorkingDirectory: what a worker does in the folder that its tasks share, before the first of them and after the last.

The engine runs the tasks themselves. Both halves may be asked for again when a worker was lost: files are written over,
and what is kept is kept once more.
"""

from __future__ import annotations

from typing import Any

from engine.execution.asking import COLLECT, PREPARE
from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.properties import Properties, Text
from worker.scripts.cache import CacheProperties, restore, save
from worker.scripts.files import keep, lay_in
from worker.scripts.namespace_files import NamespaceFiles, lay_namespace_files


class WorkingDirectoryProperties(Properties):
    """Properties of `WorkingDirectory`; of each job only those that it needs are set."""

    input_files: dict[str, Any] = {}
    output_files: list[Text] | None = None
    namespace_files: NamespaceFiles | None = None
    cache: CacheProperties | None = None


def run(context: RunContext, properties: WorkingDirectoryProperties) -> Result:
    """Do the half that the engine asks for."""
    half = _HALVES.get(context.job.asks)
    if half is None:
        raise TaskFailed("The tasks of a WorkingDirectory are run by the engine; a worker can't run it as a whole")
    return half(context, properties)


def prepare(context: RunContext, properties: WorkingDirectoryProperties) -> Result:
    """Lay in what the tasks are to find; what the flow writes wins over what an earlier execution left in the cache."""
    if properties.cache is not None:
        restore(context, properties.cache)
    lay_namespace_files(context, properties.namespace_files)
    lay_in(context, properties.input_files)
    return Result()


def collect(context: RunContext, properties: WorkingDirectoryProperties) -> Result:
    """Keep what the tasks have left."""
    outputs = None
    if properties.output_files is not None:
        outputs = {"outputFiles": keep(context, context.folder.work, properties.output_files)}
    if properties.cache is not None:
        save(context, properties.cache)
    return Result(outputs)


_HALVES = {PREPARE: prepare, COLLECT: collect}

PLUGIN = Plugin("io.kestra.plugin.core.flow.WorkingDirectory", WorkingDirectoryProperties, run, in_folder=True)
