"""Lists keys of a namespace."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext
from worker.properties import Properties, Text


class GetKeysProperties(Properties):
    """Properties of `kv.GetKeys`."""

    prefix: Text = ""
    namespace: Text | None = None


def run(context: RunContext, properties: GetKeysProperties) -> Result:
    """Return the keys that haven't expired, in order."""
    entries = context.keys.entries(properties.namespace or context.job.namespace, properties.prefix)
    return Result({"keys": [entry.key for entry in entries]})


PLUGIN = Plugin("io.kestra.plugin.core.kv.GetKeys", GetKeysProperties, run)
