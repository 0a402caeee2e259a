"""Raw maps to declared inputs and outputs.

Owns the types of inputs and which properties each knows. Values that a user sends later are checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import SchemaValidator

from engine.flow.fields import Raw, text
from engine.flow.model import EMPTY, Input, Output
from engine.flow.problems import Path, Report, did_you_mean, kind_of
from engine.flow.shapes.flow_parts import INPUT_ID, InputDependencyPart, InputPart, OutputPart
from engine.flow.shapes.parts import kinds_of
from engine.flow.shapes.reading import findings, read_part, unknown_key
from engine.flow.shapes.typed import model_of
from engine.flow.tasks import read_id
from engine.flow.types import Property, properties_of

COMMON = frozenset(kinds_of(InputPart))
"""Properties of every input."""

_SELECT = "values:any expression allowCustomValue:bool autoSelectFirst:bool"
TYPE_PROPERTIES: Mapping[str, Mapping[str, Property]] = {
    kind: properties_of(written)
    for kind, written in {
        "STRING": "validator",
        "INT": "min:any max:any",
        "FLOAT": "min:any max:any",
        "BOOL": "",
        "DATETIME": "after:any before:any",
        "DATE": "after:any before:any",
        "TIME": "after:any before:any",
        "DURATION": "min:any max:any",
        "FILE": "allowedFileExtensions:any extension:any accept:any",
        "JSON": "jsonSchema:any",
        "YAML": "",
        "URI": "",
        "SECRET": "validator",
        "EMAIL": "",
        "SELECT": f"{_SELECT} isRadio:bool",
        "MULTISELECT": f"{_SELECT} itemType:any options:any",
        "ARRAY": "itemType:any",
        "FORM": "inputs:inputs",
    }.items()
}
"""Types of inputs with the properties that only they have, in the words of the table of types."""
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
        if key in _RENAMED and kind is not None and (key == "name" or key in TYPE_PROPERTIES[kind]):
            report.info("deprecated-property", f"'{key}' is replaced by '{_RENAMED[key]}'", (*path, key))
    if kind is not None:
        _check_own(report, raw, path, kind)
    part = read_part(report, InputPart, raw, path)
    depends = InputDependencyPart()
    if part.depends_on is not None:
        depends = read_part(report, InputDependencyPart, part.depends_on, (*path, "dependsOn"))
    return Input(
        id=input_id or "",
        type=kind or "",
        required=part.required,
        has_defaults=part.defaults is not None,
        defaults=part.defaults,
        description=part.description,
        display_name=part.display_name,
        depends_on=depends.inputs,
        condition=depends.condition,
        properties={k: v for k, v in raw.items() if k not in COMMON or k == "prefill"} or EMPTY,
    )


def _check_own(report: Report, raw: Raw, path: Path, kind: str) -> None:
    try:
        own_validator(kind)({key: value for key, value in raw.items() if key not in COMMON})
    except ValidationError as error:
        for found in findings(error):
            if found.rule == "unknown-property":
                known = COMMON | set(TYPE_PROPERTIES[kind])
                unknown_key(report, str(found.place[0]), known, path, f"an input of type {kind}")
            else:
                report.error(found.rule, found.said, (*path, *found.place), found.hint)


@cache
def own_validator(kind: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what checks the properties that only inputs of a type have."""
    return SchemaValidator(model_of(TYPE_PROPERTIES[kind])).validate_python


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
        output_id = read_id(report, raw, here, INPUT_ID, "an output")
        kind = read_value_type(report, raw, here, "an output") if typed or raw.get("type") is not None else "STRING"
        part = read_part(report, OutputPart, raw, here)
        found.append(
            Output(
                id=output_id or "",
                type=kind or "",
                value=raw.get("value"),
                required=part.required,
                description=part.description,
                display_name=part.display_name,
            )
        )
    return tuple(found)


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
