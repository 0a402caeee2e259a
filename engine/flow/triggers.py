"""Raw maps to declared triggers. Owns the properties that all triggers share; when one fires is `engine/trigger`'s."""

from __future__ import annotations

from typing import Any

from engine.flow.fields import labels
from engine.flow.model import EMPTY, Trigger
from engine.flow.problems import Path, Report, kind_of
from engine.flow.properties import check_properties, read_type
from engine.flow.shapes.parts import TASK_ID, TriggerPart, kinds_of
from engine.flow.shapes.reading import read_part
from engine.flow.tasks import read_id
from engine.flow.types import ALIASES, TYPES

COMMON = frozenset(kinds_of(TriggerPart))
"""Properties of every trigger."""
_OWN_FIELDS = frozenset({"id", "type", "conditions", "when", "disabled", "labels", "inputs"})


def read_triggers(report: Report, value: Any, path: Path) -> tuple[Trigger, ...]:
    """Return the triggers of a list, in its order."""
    if value is None:
        return ()
    if not isinstance(value, list):
        report.error("type-mismatch", f"Expected a list of triggers, but found {kind_of(value)}", path)
        return ()
    return tuple(_read_trigger(report, item, (*path, index)) for index, item in enumerate(value))


def _read_trigger(report: Report, raw: Any, path: Path) -> Trigger:
    if not isinstance(raw, dict):
        report.unsound = True
        report.error("type-mismatch", f"Expected a trigger (a map with id and type), but found {kind_of(raw)}", path)
        return Trigger(id="", type="")
    trigger_id = read_id(report, raw, path, TASK_ID, "a trigger")
    declared = read_type(report, raw, path, "trigger")
    name = ALIASES.get(declared, declared)
    info = TYPES.get(name)
    if info is not None:
        check_properties(report, raw, path, name, info, COMMON)
    part = read_part(report, TriggerPart, raw, path)
    older, inputs = raw.get("scheduleConditions"), raw.get("inputs")
    return Trigger(
        id=trigger_id or "",
        type=name,
        declared_type=declared,
        disabled=part.disabled,
        conditions=(*(part.conditions or ()), *(older if isinstance(older, list) else ())),
        when=part.when,
        inputs=inputs if isinstance(inputs, dict) else EMPTY,
        labels=labels(report, raw, "labels", path),
        properties={key: value for key, value in raw.items() if key not in _OWN_FIELDS} or EMPTY,
    )
