"""Raw maps to declared inputs and outputs.

Owns the types of inputs and which properties each knows. Values that a user sends later are checked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.flow.fields import Raw, flag, mapping, text, unknown_key
from engine.flow.model import EMPTY, Input, Output
from engine.flow.problems import Path, Report, did_you_mean, kind_of
from engine.flow.tasks import read_id

INPUT_ID = re.compile(r"[a-zA-Z0-9][.a-zA-Z0-9_-]*")

COMMON = frozenset(
    {"id", "name", "type", "description", "displayName", "required", "defaults", "prefill", "dependsOn", "condition"}
)

_SELECT = ("values", "expression", "allowCustomValue", "autoSelectFirst")
TYPE_PROPERTIES: dict[str, tuple[str, ...]] = {
    "STRING": ("validator",),
    "INT": ("min", "max"),
    "FLOAT": ("min", "max"),
    "BOOL": (),
    "DATETIME": ("after", "before"),
    "DATE": ("after", "before"),
    "TIME": ("after", "before"),
    "DURATION": ("min", "max"),
    "FILE": ("allowedFileExtensions", "extension", "accept"),
    "JSON": ("jsonSchema",),
    "YAML": (),
    "URI": (),
    "SECRET": ("validator",),
    "EMAIL": (),
    "SELECT": (*_SELECT, "isRadio"),
    "MULTISELECT": (*_SELECT, "itemType", "options"),
    "ARRAY": ("itemType",),
    "FORM": ("inputs",),
}
"""Types of inputs with the properties that only they have."""
TYPE_ALIASES = {"BOOLEAN": "BOOL", "ENUM": "SELECT"}
NO_ITEM_TYPES = frozenset({"ARRAY", "SECRET", "MULTISELECT", "SELECT", "FORM"})
_RENAMED = {"name": "id", "extension": "allowedFileExtensions", "options": "values"}


def read_inputs(report: Report, value: Any, path: Path) -> tuple[Input, ...]:
    """Return the inputs of a list, in its order."""
    if value is None:
        return ()
    if not isinstance(value, list):
        report.error("type-mismatch", f"Expected a list of inputs, but found {kind_of(value)}", path)
        return ()
    return tuple(_read_input(report, item, (*path, index)) for index, item in enumerate(value))


def _read_input(report: Report, raw: Any, path: Path) -> Input:
    if not isinstance(raw, dict):
        report.unsound = True
        report.error("type-mismatch", f"Expected an input (a map with id and type), but found {kind_of(raw)}", path)
        return Input(id="", type="")
    named: Raw = raw if "id" in raw or "name" not in raw else {**raw, "id": raw["name"]}
    input_id = read_id(report, named, path, INPUT_ID, "an input")
    kind = read_value_type(report, raw, path, "an input")
    for key in raw:
        if key in _RENAMED and kind is not None and (key == "name" or key in TYPE_PROPERTIES.get(kind, ())):
            report.info("deprecated-property", f"'{key}' is replaced by '{_RENAMED[key]}'", (*path, key))
        if key not in COMMON and kind is not None and key not in TYPE_PROPERTIES[kind]:
            unknown_key(report, key, sorted(COMMON | set(TYPE_PROPERTIES[kind])), path, f"an input of type {kind}")
    depends = mapping(report, raw, "dependsOn", path)
    wanted = depends.get("inputs") or ()
    return Input(
        id=input_id or "",
        type=kind or "",
        required=flag(report, raw, "required", path, True),
        has_defaults=raw.get("defaults") is not None,
        defaults=raw.get("defaults"),
        description=text(report, raw, "description", path),
        display_name=text(report, raw, "displayName", path),
        depends_on=tuple(map(str, wanted)) if isinstance(wanted, (list, tuple)) else (str(wanted),),
        condition=text(report, depends, "condition", (*path, "dependsOn")),
        properties={k: v for k, v in raw.items() if k not in COMMON or k == "prefill"} or EMPTY,
    )


def read_value_type(report: Report, raw: Raw, path: Path, what: str) -> str | None:
    """Return the type of an input or output under its present name, None if there is no such type."""
    written = text(report, raw, "type", path)
    if not written:
        report.unsound = True
        if not isinstance(raw.get("type"), (list, dict)):
            report.error("required", f"'type' of {what} must be set", path)
        return None
    kind = TYPE_ALIASES.get(written, written)
    if kind != written:
        report.info("deprecated-type", f"Type {written} is replaced by {kind}", (*path, "type"))
    if kind not in TYPE_PROPERTIES:
        hint = did_you_mean(written, TYPE_PROPERTIES) or f"Known are: {', '.join(TYPE_PROPERTIES)}"
        report.unsound = True
        report.error("unknown-type", f"Invalid type: {written}", (*path, "type"), hint)
        return None
    return kind


_OUTPUT_KEYS = frozenset({"id", "type", "value", "required", "description", "displayName", "itemType"})


def read_outputs(report: Report, value: Any, path: Path, typed: bool = True) -> tuple[Output, ...]:
    """Return the outputs of a list; `typed` says whether each must have a type."""
    if value is None:
        return ()
    if not isinstance(value, list):
        report.error("type-mismatch", f"Expected a list of outputs, but found {kind_of(value)}", path)
        return ()
    found: list[Output] = []
    for index, raw in enumerate(value):
        here: Path = (*path, index)
        if not isinstance(raw, dict):
            report.error(
                "type-mismatch", f"Expected an output (a map with id, type and value), but found {kind_of(raw)}", here
            )
            report.unsound = True
            found.append(Output(id="", type=""))
            continue
        for key in raw:
            if key not in _OUTPUT_KEYS:
                unknown_key(report, key, sorted(_OUTPUT_KEYS), here, "an output")
        output_id = read_id(report, raw, here, INPUT_ID, "an output")
        kind = read_value_type(report, raw, here, "an output") if typed or raw.get("type") is not None else "STRING"
        if raw.get("value") is None:
            report.error("required", "'value' of an output must be set", here)
        found.append(_output(report, raw, here, output_id or "", kind or ""))
    return tuple(found)


def _output(report: Report, raw: Raw, path: Path, output_id: str, kind: str) -> Output:
    return Output(
        id=output_id,
        type=kind,
        value=raw.get("value"),
        required=flag(report, raw, "required", path, True),
        description=text(report, raw, "description", path),
        display_name=text(report, raw, "displayName", path),
    )


def flattened(inputs: Iterable[Input]) -> list[Input]:
    """Return the inputs with those of a FORM in its place, under `<form>.<child>`."""
    found: list[Input] = []
    for each in inputs:
        if each.type != "FORM":
            found.append(each)
            continue
        for raw in each.properties.get("inputs") or ():
            if isinstance(raw, Mapping) and raw.get("id") and raw.get("type"):
                found.append(_child(each, raw))
    return found


def _child(form: Input, raw: Mapping[str, Any]) -> Input:
    common = ("id", "type", "required", "defaults", "displayName", "description", "dependsOn")
    depends = raw.get("dependsOn") or {}
    return Input(
        id=f"{form.id}.{raw['id']}",
        type={"BOOLEAN": "BOOL", "ENUM": "SELECT"}.get(str(raw["type"]), str(raw["type"])),
        required=raw.get("required") is not False,
        has_defaults=raw.get("defaults") is not None,
        defaults=raw.get("defaults"),
        display_name=raw.get("displayName"),
        description=raw.get("description"),
        depends_on=(*form.depends_on, *map(str, depends.get("inputs") or ())),
        condition=depends.get("condition") or form.condition,
        properties={key: value for key, value in raw.items() if key not in common},
    )


def ids_of(inputs: Iterable[Input], kind: str) -> list[str]:
    """Return the ids of the inputs of a type, those within a FORM included."""
    return [each.id for each in flattened(inputs) if each.type == kind]
