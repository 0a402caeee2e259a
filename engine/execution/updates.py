"""What a task changes of its execution, labels and variables, or asks of a trigger.

Owns how they are put together; that the tasks may do so is decided in `start.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.execution import events as e
from engine.execution.draft import OUTPUTS_BYTES_MAX, ExecutionDraft
from engine.execution.state import INPUTS
from engine.execution.variables import variables_of
from engine.machine import SEQUENCE, Event
from engine.tasks import Switch, Update
from engine.values import derive_id, to_json


def changes_of(draft: ExecutionDraft, update: Update) -> tuple[Event, ...]:
    """Return the events that carry an update out; none if it changes nothing.

    Raises:
        ValueError: If a variable may not be set, or isn't there to be taken away, or they become too large.
    """
    changes: list[Event] = []
    labels = draft.header.labels
    if not update.labels.items() <= labels.items():
        changes.append(e.LabelsUpdated(labels={**labels, **update.labels}, at_ms=draft.at_ms))
    if update.variables or update.unset:
        old = variables_of(draft, draft.get(INPUTS))
        new = _without(_merged(old, update.variables, update.overwrite), update)
        encoded = to_json(new, "The variables")
        if len(encoded) > OUTPUTS_BYTES_MAX:
            raise ValueError(f"Expected variables of at most {OUTPUTS_BYTES_MAX} bytes, but they have {len(encoded)}")
        if new != old:
            changes.append(e.VariablesChanged(variables_json=encoded, at_ms=draft.at_ms))
    if update.switch is not None:
        changes.append(_asked(draft, update.switch))
    return tuple(changes)


def _asked(draft: ExecutionDraft, switch: Switch) -> Event:
    before = draft.get(SEQUENCE)
    number = (before.next if before is not None else 0) + len(draft.events)
    return e.TriggerSwitchAsked(
        told_id=derive_id("toggle", draft.id, number),
        execution_id=draft.id,
        namespace=switch.namespace,
        flow_id=switch.flow_id,
        trigger_id=switch.trigger_id,
        disabled=switch.disabled,
    )


def _merged(old: Mapping[str, Any], new: Mapping[str, Any], overwrite: bool) -> dict[str, Any]:
    """Return `new` over `old`, maps within maps merged key by key."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(before, value, overwrite)
        elif key in merged and not overwrite:
            raise ValueError(f"variables: {key!r} is set already, and 'overwrite' is false")
        else:
            merged[key] = value
    return merged


def _without(variables: dict[str, Any], update: Update) -> dict[str, Any]:
    missing = [name for name in update.unset if name not in variables]
    if missing and not update.ignore_missing:
        raise ValueError(f"variables: {', '.join(map(repr, missing))} can't be unset, as it isn't set")
    return {name: value for name, value in variables.items() if name not in update.unset}
