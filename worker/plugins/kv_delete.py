"""Deletes a key of a namespace."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.properties import Properties, Text


class DeleteProperties(Properties):
    """Properties of `kv.Delete`."""

    key: Text
    namespace: Text | None = None
    error_on_missing: bool = False


def run(context: RunContext, properties: DeleteProperties) -> Result:
    """Delete the key; tell whether there was one."""
    key, namespace = properties.key, properties.namespace or context.job.namespace
    deleted = context.keys.delete(namespace, key)
    if not deleted and properties.error_on_missing:
        raise TaskFailed(
            f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
        )
    return Result({"deleted": deleted})


PLUGIN = Plugin("io.kestra.plugin.core.kv.Delete", DeleteProperties, run)
