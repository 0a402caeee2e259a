"""LocalFiles: writes files into the working directory, and stores some of it.

`inputFiles` and `outputFiles` do the same for script tasks; this is for folders that tasks share, and for older flows.
"""

from __future__ import annotations

from typing import Any

from worker.context import Plugin, Result, RunContext
from worker.properties import Properties, Text
from worker.scripts.files import keep, lay_in


class LocalFilesProperties(Properties):
    """Properties of `LocalFiles`."""

    inputs: dict[str, Any] = {}
    outputs: list[Text] = []


def run(context: RunContext, properties: LocalFilesProperties) -> Result:
    """Write the inputs, then store the outputs."""
    lay_in(context, properties.inputs, "inputs")
    return Result({"uris": keep(context, context.folder.work, properties.outputs, "outputs")})


PLUGIN = Plugin("io.kestra.plugin.core.storage.LocalFiles", LocalFilesProperties, run, in_folder=True)
