"""The models as JSON schema, with the sentences that people read about them.

Owns the words: what `words.json` says about a model and its properties is put into its schema here. It holds a map for
each model: property to sentence, or to a map of JSON schema's own words (description, default, examples, deprecated);
what is said of the model itself stands under the empty name. What is said of several stands once, under a name of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from pydantic.json_schema import GenerateJsonSchema, JsonRef, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import TypedDictSchema, WithDefaultSchema

from engine.flow.shapes.kinds import Kind, Schema
from engine.flow.shapes.parts import Part

OTHERS = "*"
"""In the place of a property: the entry whose sentences hold too."""


@cache
def words() -> Mapping[str, Mapping[str, Schema]]:
    """Return what is said of each model's properties, as JSON schema's own words."""
    written = msgspec.json.decode(
        files("engine.flow.shapes").joinpath("words.json").read_bytes(), type=dict[str, dict[str, str | Schema]]
    )
    found: dict[str, dict[str, Schema]] = {}
    for name, own in written.items():
        # Entries stand behind those that they refer to.
        said = {key: value for key, value in found.get(str(own.get(OTHERS)), {}).items() if key}
        for key, sentence in own.items():
            if key != OTHERS:
                said[key] = {"description": sentence} if isinstance(sentence, str) else sentence
        found[name] = said
    return found


def part_schema(part: type[Part], name: str) -> Schema:
    """Return the JSON schema of a part.

    Args:
        part: Its model.
        name: Under which `words.json` speaks of it.
    """
    schema = part.model_json_schema(schema_generator=_Generator)
    schema.pop("title", None)
    return explained(schema, name)


def model_schema(model: TypedDictSchema, name: str) -> Schema:
    """Return the JSON schema of a model that `typed` made; `name` is that in `words.json`."""
    schema = _shared_generator().generate_inner(model)
    if model.get("extra_behavior") == "forbid":
        # Older releases of pydantic don't say so themselves.
        schema["additionalProperties"] = False
    return explained(schema, name)


def explained(schema: Schema, name: str) -> Schema:
    """Return the schema of a map with what is said of it and of its properties."""
    said = words().get(name, {})
    properties = {key: {**each, **said.get(key, {})} for key, each in schema["properties"].items()}
    return {**schema, **said.get("", {}), "properties": properties}


class _Generator(GenerateJsonSchema):
    """Takes the schema of a property from its kind; references lead to definitions that somebody else puts together."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        found = self.generate_inner(schema)
        return self.get_schema_from_definitions(found["$ref"]) or found if "$ref" in found else found

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        kind = (schema.get("metadata") or {}).get("kind")
        return dict(kind.schema) if isinstance(kind, Kind) else super().generate_inner(schema)

    def get_schema_from_definitions(self, json_ref: JsonRef) -> JsonSchemaValue | None:
        return super().get_schema_from_definitions(json_ref) if json_ref in self.json_to_defs_refs else None

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        # What a model takes for an unset property (mostly None) isn't what people call its default.
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@cache
def _shared_generator() -> _Generator:
    """One for all types: making one takes longer than the schema of a type."""
    return _Generator()
