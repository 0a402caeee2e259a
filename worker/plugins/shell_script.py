"""A shell script, given to the shell as it is."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext
from worker.properties import Text
from worker.scripts.properties import ScriptProperties
from worker.scripts.script import run_script


class ScriptTextProperties(ScriptProperties):
    """Properties of `Script`."""

    script: Text


def run(context: RunContext, properties: ScriptTextProperties) -> Result:
    """Run the script."""
    return run_script(context, properties, [properties.script])


PLUGIN = Plugin("io.kestra.plugin.scripts.shell.Script", ScriptTextProperties, run, in_folder=True)
