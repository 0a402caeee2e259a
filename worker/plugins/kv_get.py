"""Reads the value of a key."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.properties import Properties, Text


class GetProperties(Properties):
    """Properties of `kv.Get`."""

    key: Text
    namespace: Text | None = None
    error_on_missing: bool = False


def run(context: RunContext, properties: GetProperties) -> Result:
    """Return the value; in the flow's own namespace those around it count too."""
    key, own = properties.key, context.job.namespace
    namespace = properties.namespace or own
    found = (context.keys.get_inherited if namespace == own else context.keys.get)(namespace, key)
    if found is None and properties.error_on_missing:
        raise TaskFailed(
            f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
        )
    return Result({"value": None if found is None else found.value})


PLUGIN = Plugin("io.kestra.plugin.core.kv.Get", GetProperties, run)
