"""Shell commands that run Node programs."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext
from worker.properties import Text
from worker.scripts.properties import ScriptProperties
from worker.scripts.script import run_script


class NodeCommandsProperties(ScriptProperties):
    """Properties of `Commands`."""

    commands: list[Text]


def run(context: RunContext, properties: NodeCommandsProperties) -> Result:
    """Run the commands."""
    return run_script(context, properties, properties.commands)


PLUGIN = Plugin("io.kestra.plugin.scripts.node.Commands", NodeCommandsProperties, run, in_folder=True)
