"""Deletes a state that executions of a flow share."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.states import StateProperties, delete_state


class DeleteProperties(StateProperties):
    """Properties of `state.Delete`."""

    error_on_missing: bool = False


def run(context: RunContext, properties: DeleteProperties) -> Result:
    """Delete the state; tell whether there was one."""
    deleted = delete_state(context, properties)
    if not deleted and properties.error_on_missing:
        raise TaskFailed(f"There is no state '{properties.name}', and `errorOnMissing` is set to true")
    return Result({"deleted": deleted})


PLUGIN = Plugin("io.kestra.plugin.core.state.Delete", DeleteProperties, run)
