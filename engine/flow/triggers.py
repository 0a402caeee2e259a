"""Raw maps to declared triggers. Owns the properties that all triggers share; when one fires is `engine/trigger`'s."""

from __future__ import annotations

from typing import Any

from engine.flow.fields import Raw, flag, items, labels, mapping, text, unknown_key
from engine.flow.model import EMPTY, Trigger
from engine.flow.problems import Path, Report, kind_of
from engine.flow.tasks import TASK_ID, read_id, read_type
from engine.flow.types import ALIASES, CORE, TYPES, TypeInfo

COMMON = frozenset(
    {"id", "type", "version", "description", "conditions", "when", "disabled", "labels", "stopAfter", "allowConcurrent"}
    | {
        "failOnTriggerError",
        "logLevel",
        "minLogLevel",
        "logToFile",
        "workerGroup",
        "workerSelector",
        "assets",
        "policyRefs",
    }
)
"""Properties of every trigger."""
_OWN_FIELDS = frozenset({"id", "type", "conditions", "when", "disabled", "labels", "inputs"})


def read_triggers(report: Report, value: Any, path: Path) -> tuple[Trigger, ...]:
    """Return the triggers of a list; an item that is no trigger is reported and left out."""
    if value is None:
        return ()
    if not isinstance(value, list):
        report.error("type-mismatch", f"Expected a list of triggers, but found {kind_of(value)}", path)
        return ()
    found = (_read_trigger(report, item, (*path, index)) for index, item in enumerate(value))
    return tuple(trigger for trigger in found if trigger is not None)


def _read_trigger(report: Report, raw: Any, path: Path) -> Trigger | None:
    if not isinstance(raw, dict):
        report.error("type-mismatch", f"Expected a trigger (a map with id and type), but found {kind_of(raw)}", path)
        return None
    trigger_id = read_id(report, raw, path, TASK_ID, "a trigger")
    declared = read_type(report, raw, path, "trigger")
    name = ALIASES.get(declared, declared)
    info = TYPES.get(name)
    if info is not None:
        check_properties(report, raw, path, name, info)
    if trigger_id is None or not declared:
        return None
    return Trigger(
        id=trigger_id,
        type=name,
        declared_type=declared,
        disabled=flag(report, raw, "disabled", path),
        conditions=(*items(report, raw, "conditions", path), *items(report, raw, "scheduleConditions", path)),
        when=text(report, raw, "when", path),
        inputs=mapping(report, raw, "inputs", path),
        labels=labels(report, raw, "labels", path),
        properties={key: value for key, value in raw.items() if key not in _OWN_FIELDS} or EMPTY,
    )


def check_properties(report: Report, raw: Raw, path: Path, name: str, info: TypeInfo) -> None:
    """Complain about properties that the trigger's type doesn't know or lacks."""
    known = {*COMMON, *info.properties}
    if name.startswith(CORE):
        for key in raw:
            if key not in known:
                unknown_key(report, key, sorted(known), path, f"type {name}")
    for key in info.required:
        if raw.get(key) is None:
            report.error("required", f"the '{key}' property must be set", (*path, key) if key in raw else path)
