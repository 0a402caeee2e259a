"""Reads a state that executions of a flow share."""

from __future__ import annotations

from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.states import StateProperties, read_state


class GetProperties(StateProperties):
    """Properties of `state.Get`."""

    error_on_missing: bool = False


def run(context: RunContext, properties: GetProperties) -> Result:
    """Return the state; one that isn't there is empty."""
    data = read_state(context, properties)
    if data is None and properties.error_on_missing:
        raise TaskFailed(f"There is no state '{properties.name}', and `errorOnMissing` is set to true")
    return Result({"count": len(data or {}), "data": data or {}})


PLUGIN = Plugin("io.kestra.plugin.core.state.Get", GetProperties, run)
