"""Rules about inputs and outputs: unique ids, what they depend on, defaults, validators, the types of elements."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from engine.flow.inputs import NO_ITEM_TYPES, TYPE_ALIASES, TYPE_PROPERTIES, read_inputs
from engine.flow.model import Flow, Input
from engine.flow.problems import Path, Report, did_you_mean, kind_of
from engine.flow.rules.bounds import check_bounds
from engine.flow.rules.cycles import find_cycle

_LONGEST_VALIDATOR = 4096
_LONGEST_ID = 256
"""A longer one is refused anyway."""
_LOCAL_FILES = ("file:", "nsfile:")


def check_inputs(report: Report, flow: Flow) -> None:
    """Check the inputs and outputs of a flow."""
    unique_ids(report, (item.id for item in flow.inputs), ("inputs",), "input")
    unique_ids(report, (item.id for item in flow.outputs), ("outputs",), "output")
    _check_nesting(report, flow.inputs)
    _check_dependencies(report, flow.inputs)
    for index, item in enumerate(flow.inputs):
        if item.type == "FORM":
            _check_form(report, item, flow.inputs, ("inputs", index))
        _check_input(report, item, ("inputs", index))


def _check_form(report: Report, form: Input, others: tuple[Input, ...], path: Path) -> None:
    """Check the inputs that a form groups: ordinary ones, read below the form's id."""
    here: Path = (*path, "inputs")
    children = read_inputs(report, form.properties.get("inputs"), here)
    if not children:
        report.error("required", "the 'inputs' property cannot be empty", path)
    unique_ids(report, (child.id for child in children), here, "input")
    taken = {other.id for other in others}
    for index, child in enumerate(children):
        if child.type == "FORM":
            report.error("input-nesting", "A form can't hold another form", (*here, index, "type"))
        if f"{form.id}.{child.id}" in taken:
            message = f"Input '{form.id}.{child.id}' is there already, outside of the form"
            report.error("input-nesting", message, (*here, index, "id"))
        _check_input(report, child, (*here, index))


def unique_ids(report: Report, ids: Iterable[str], path: Path, what: str) -> None:
    """Complain about each id that was there before."""
    seen: set[str] = set()
    for index, name in enumerate(ids):
        if name and name in seen:
            preposition = "id" if what == "trigger" else "name"
            kind = "trigger id" if what == "trigger" else what
            report.error("duplicate-id", f"Duplicate {kind} with {preposition} [{name}]", (*path, index, "id"))
        seen.add(name)


def _check_nesting(report: Report, inputs: tuple[Input, ...]) -> None:
    names = {item.id for item in inputs}
    for index, item in enumerate(inputs):
        parts = item.id.split(".") if len(item.id) <= _LONGEST_ID else []
        for depth in range(1, len(parts)):
            outer = ".".join(parts[:depth])
            if outer in names:
                message = f"Input '{item.id}' would lie inside of input '{outer}', which has a value of its own"
                report.error("input-nesting", message, ("inputs", index, "id"))


def _check_dependencies(report: Report, inputs: tuple[Input, ...]) -> None:
    names = {item.id for item in inputs}
    for index, item in enumerate(inputs):
        for name in item.depends_on:
            if name not in names:
                message = f"Input '{item.id}' depends on a non-existent input '{name}'"
                report.error(
                    "input-dependency", message, ("inputs", index, "dependsOn"), partial(did_you_mean, name, names)
                )
    edges = {item.id: tuple(name for name in item.depends_on if name in names) for item in inputs}
    cycle = find_cycle(edges)
    if cycle:
        report.error("input-dependency", f"Cycle dependency of inputs detected: {' -> '.join(cycle)}", ("inputs",))


def _check_input(report: Report, item: Input, path: Path) -> None:
    if item.has_defaults and not item.required:
        message = f"Input '{item.id}' has a default, so it can't be 'required: false'"
        report.error("input-default", message, (*path, "defaults"), "Remove one of them, or use 'prefill'")
    if item.has_defaults and item.properties.get("prefill") is not None:
        report.error("input-default", f"Input '{item.id}' can't have both 'defaults' and 'prefill'", (*path, "prefill"))
    _check_validator(report, item, path)
    check_bounds(report, item, path)
    if item.type in ("ARRAY", "MULTISELECT"):
        _check_item_type(report, item, path)
    if item.type in ("SELECT", "MULTISELECT"):
        _check_values(report, item, path)
    if item.type == "FILE" and item.has_defaults:
        default = item.defaults
        if not isinstance(default, str) or not default.startswith((*_LOCAL_FILES, "{{")):
            message = f"Expected a 'file:' or 'nsfile:' URI as the default of FILE input '{item.id}'"
            report.error("input-default", f"{message}, but found {kind_of(default)}", (*path, "defaults"))


def _check_validator(report: Report, item: Input, path: Path) -> None:
    validator = item.properties.get("validator")
    if not isinstance(validator, str):
        return
    # Imported here because few flows have validators, and nothing else about inputs needs the expression engine.
    from engine.expression.java_patterns import java_pattern

    try:
        if len(validator) > _LONGEST_VALIDATOR:
            raise ValueError("it is too large")
        java_pattern(validator)
    except ValueError as error:
        report.error("input-validator", f"Invalid pattern [{validator}]: {error}", (*path, "validator"))


def _check_item_type(report: Report, item: Input, path: Path) -> None:
    written = item.properties.get("itemType")
    if written is None:
        if item.type == "ARRAY":
            report.error("required", "'itemType' of an ARRAY input must be set", path)
        return
    kind = TYPE_ALIASES.get(str(written), str(written))
    if kind not in TYPE_PROPERTIES:
        hint = did_you_mean(kind, TYPE_PROPERTIES)
        report.error("unknown-type", f"Invalid itemType: {written}", (*path, "itemType"), hint)
    elif kind in NO_ITEM_TYPES:
        report.error("item-type", f"'itemType' cannot be {written}", (*path, "itemType"))


def _check_values(report: Report, item: Input, path: Path) -> None:
    values: Any = item.properties.get("values")
    options = item.properties.get("options")
    expression = item.properties.get("expression")
    if values is not None and options is not None:
        report.error(
            "input-values", "Expected either 'values' or the older 'options', but found both", (*path, "options")
        )
    elif values is None and options is None and expression is None:
        report.warning("input-values", f"Input '{item.id}' offers nothing: set 'values' or 'expression'", path)
    elif (values is not None or options is not None) and expression is not None:
        report.warning(
            "input-values", "Expected either 'values' or 'expression', but found both", (*path, "expression")
        )
    for key, listed in (("values", values), ("options", options)):
        if listed is not None and not isinstance(listed, list):
            report.error("type-mismatch", f"Expected a list, but found {kind_of(listed)}", (*path, key))
