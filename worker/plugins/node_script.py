"""A JavaScript script, run by Node."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext
from worker.properties import Text
from worker.scripts.languages import run_file
from worker.scripts.properties import ScriptProperties


class NodeScriptProperties(ScriptProperties):
    """Properties of `Script`."""

    script: Text


def run(context: RunContext, properties: NodeScriptProperties) -> Result:
    """Run the script."""
    return run_file(context, properties, properties.script, "node", ".js")


PLUGIN = Plugin("io.kestra.plugin.scripts.node.Script", NodeScriptProperties, run, in_folder=True)
