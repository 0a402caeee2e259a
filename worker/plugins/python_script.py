"""A Python script."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext
from worker.properties import Text
from worker.scripts.languages import PythonProperties, run_python_file


class PythonScriptProperties(PythonProperties):
    """Properties of `Script`."""

    script: Text


def run(context: RunContext, properties: PythonScriptProperties) -> Result:
    """Run the script."""
    return run_python_file(context, properties, properties.script)


PLUGIN = Plugin("io.kestra.plugin.scripts.python.Script", PythonScriptProperties, run, in_folder=True)
