"""Shell commands that run Python programs."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext
from worker.properties import Text
from worker.scripts.languages import PythonProperties, run_python


class PythonCommandsProperties(PythonProperties):
    """Properties of `Commands`."""

    commands: list[Text]


def run(context: RunContext, properties: PythonCommandsProperties) -> Result:
    """Run the commands."""
    return run_python(context, properties, properties.commands)


PLUGIN = Plugin("io.kestra.plugin.scripts.python.Commands", PythonCommandsProperties, run, in_folder=True)
