"""States: maps that executions of a flow share and add to, kept in the key-value store of the flow's namespace.

Owns the key of a state and how data is merged. The tasks are `worker/plugins/state_….py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from engine.key_values import Content, Entry, Kind
from worker.context import RunContext
from worker.properties import Properties, Text


class StateProperties(Properties):
    """Properties of all tasks about states."""

    name: Text = "default"
    namespace: bool = False
    """True: flows of the namespace share the state; False: it is this flow's."""
    taskrun_value: bool = True
    """True: each value of a loop has a state of its own."""


def read_state(context: RunContext, properties: StateProperties) -> dict[str, Any] | None:
    """Return a state, None if there is none."""
    entry = context.keys.get(context.job.namespace, _key(context, properties))
    return None if entry is None else _data(entry)


def change_state(
    context: RunContext, properties: StateProperties, data: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Merge data into a state, and return its key and what it has become."""
    key = _key(context, properties)

    def edit(before: Entry | None) -> Content:
        return Content(kind=Kind.JSON, value=_merged({} if before is None else _data(before), data))

    changed = context.keys.change(context.job.namespace, key, edit)
    assert changed is not None
    return key, _data(changed)


def delete_state(context: RunContext, properties: StateProperties) -> bool:
    """Delete a state, and tell whether there was one."""
    return context.keys.delete(context.job.namespace, _key(context, properties))


def _key(context: RunContext, properties: StateProperties) -> str:
    parts = ["states", "tasks-states", properties.name]
    if not properties.namespace:
        parts.insert(0, context.job.flow_id)
    value = context.job.variables.get("taskrun", {}).get("value") if properties.taskrun_value else None
    if value is not None:
        # A value may be anything, a key not.
        parts.append(sha256(str(value).encode()).hexdigest()[:32])
    return "_".join(parts)


def _data(entry: Entry) -> dict[str, Any]:
    if not isinstance(entry.value, dict):
        raise ValueError(f"Expected a map as state in the key '{entry.key}', but it is of type {entry.kind}")
    return entry.value


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map with another merged into it: maps key by key, lists one after the other; null changes nothing."""
    result = dict(old)
    for key, value in new.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(below, value)
        elif isinstance(below, list) and isinstance(value, list):
            result[key] = below + value
        elif value is not None or below is None:
            result[key] = value
    return result
