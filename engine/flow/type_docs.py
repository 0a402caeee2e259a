"""What there is to know about one type, for people and for editors that complete only what stands at the cursor.

Owns the document's shape and its form as Markdown. What it says comes from the models, see `schema`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from engine.flow.schema import common_schema, definitions_of_parts, own_schema
from engine.flow.shapes.documents import explained
from engine.flow.shapes.fixed_kinds import LEVELS
from engine.flow.shapes.kinds import DEFINITIONS, Schema
from engine.flow.types import TypeInfo, canonical, lookup

_OUTPUTS: Mapping[str, Schema] = {
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "num": {"type": "number"},
    "list": {"type": "array"},
    "map": {"type": "object"},
    "str": {"type": "string"},
    "datetime": {"type": "string", "format": "date-time"},
    "duration": {"type": "string", "format": "duration"},
}
_CHOSEN_BY_TYPE: Schema = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}}
"""Of a task within a task: only its type says which properties it has."""


@lru_cache(maxsize=32)
def type_document(name: str) -> dict[str, Any] | None:
    """Return what is known of a type, whichever of its names is given; None if the table doesn't know it.

    Returns:
        Its present name, whether it is deprecated and what replaces it, its aliases, a page of Markdown, and as JSON
        schema its properties (those that it shares with others have the `$group` core) and outputs. References lead
        to `definitions`, which stand beside them. Never change it.
    """
    info = lookup(name)
    if info is None:
        return None
    name = canonical(name)
    own = own_schema(name, info)
    common = common_schema(info)
    common["properties"]["type"] = {**common["properties"].get("type", {}), "enum": [name, *info.other.split()]}
    shared = {key: {**each, "$group": "core"} for key, each in common["properties"].items()}
    properties = {**own, "properties": {**own["properties"], **shared}}
    properties["required"] = [*common.get("required", ()), *own.get("required", ())]
    kinds = info.outputs or {}
    outputs = explained(
        {"type": "object", "properties": {key: _OUTPUTS.get(kind, {}) for key, kind in kinds.items()}},
        f"{name}.outputs",
    )
    definitions: dict[str, Schema] = {}
    return {
        "cls": name,
        "deprecated": info.deprecated,
        "replacement": info.replacement,
        "aliases": info.other.split(),
        "markdown": _markdown(name, info, own, outputs),
        "schema": {
            "properties": _localised({"title": name.rsplit(".", 1)[-1], **properties}, definitions),
            "outputs": _localised(outputs, definitions),
            "definitions": definitions,
        },
    }


def _localised(schema: Any, definitions: dict[str, Schema]) -> Any:
    """Return a schema whose references lead to `definitions`, and gather there what they lead to."""
    if isinstance(schema, list):
        return [_localised(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _localised(value, definitions) for key, value in schema.items()}
    target = schema.get("$ref")
    if isinstance(target, str):
        name = target.rsplit("/", 1)[-1]
        found["$ref"] = f"#/definitions/{name}"
        if name not in definitions:
            definitions[name] = _CHOSEN_BY_TYPE
            definition = DEFINITIONS.get(name) or definitions_of_parts().get(name)
            if definition is not None:
                definitions[name] = _localised(definition, definitions)
    return found


def _markdown(name: str, info: TypeInfo, own: Schema, outputs: Schema) -> str:
    lines = [f"# {name}", ""]
    if "description" in own:
        lines += [own["description"], ""]
    if info.replacement is not None:
        lines += [f"Deprecated: use `{info.replacement}`.", ""]
    elif info.deprecated:
        lines += ["Deprecated.", ""]
    needed = own.get("required", ())
    for title, schema in (("Properties", own), ("Outputs", outputs)):
        if schema["properties"]:
            lines += [f"## {title}", ""]
            for key, each in schema["properties"].items():
                kind = info.properties[key].kind if schema is own else (info.outputs or {})[key]
                lines += _lines_of(key, each, kind, key in needed and schema is own)
            lines.append("")
    return "\n".join(lines)


def _lines_of(key: str, schema: Schema, kind: str, needed: bool) -> Iterator[str]:
    """Yield what a list of Markdown says of one property."""
    said = schema.get("description", "")
    extra = ", required" if needed else ""
    extra += ", deprecated" if schema.get("deprecated") else ""
    if "default" in schema:
        extra += f", default `{_json(schema['default'])}`"
    yield f"- `{key}` ({_kind_in_words(kind)}{extra}){': ' if said else ''}{said}"
    if schema.get("description") and schema.get("examples"):
        yield f"  Example: `{_json(schema['examples'][0])}`"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_WORDS = {
    "level": " | ".join(LEVELS),
    "str": "text",
    "int": "whole number",
    "num": "number",
    "bool": "true or false",
    "datetime": "date and time",
    "any": "anything",
    "task": "a task",
    "dag": "tasks that depend on each other",
    "cases": "map of tasks",
    "states": "list of states",
    "loopOutputs": "list of outputs",
    "dependencies": "list",
    "namedConditions": "map of conditions",
}


def _kind_in_words(kind: str) -> str:
    meant = kind.removeprefix("=")
    if "|" in meant:
        return " | ".join(meant.split("|"))
    if meant.startswith("int["):
        low, _, high = meant[4:-1].partition("..")
        return f"whole number from {low} to {high}" if high else f"whole number from {low}"
    return _WORDS.get(meant, meant)
