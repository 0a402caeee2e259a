"""Merges data into a state that executions of a flow share."""

from __future__ import annotations

from typing import Any

from worker.context import Plugin, Result, RunContext
from worker.states import StateProperties, change_state


class SetProperties(StateProperties):
    """Properties of `state.Set`."""

    data: dict[str, Any] = {}


def run(context: RunContext, properties: SetProperties) -> Result:
    """Merge the data; return the key under which the state is kept, and how many properties it has."""
    key, data = change_state(context, properties, properties.data)
    return Result({"count": len(data), "key": key})


PLUGIN = Plugin("io.kestra.plugin.core.state.Set", SetProperties, run)
