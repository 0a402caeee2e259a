"""Models of the types in the table: of the properties that only they have, and of their outputs.

Owns making them from the table, each when it is first needed: a flow names a few of the hundreds. They are typed dicts
in pydantic's own terms, without a class around them: that makes one in a twentieth of the time, so that not even a flow
that names every type costs anybody a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from pydantic_core import SchemaValidator, core_schema

from engine.flow.shapes.kinds import Kind
from engine.flow.shapes.table_kinds import BRANCHES, kind_named
from engine.flow.types import CORE, TYPES, Property


@cache
def validator_of(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what checks the own properties of a type of the table; it raises pydantic's `ValidationError`."""
    info = TYPES[name]
    closed = name.startswith(CORE) or bool(info.properties)
    return SchemaValidator(model_of(info.properties, closed)).validate_python


def model_of(properties: Mapping[str, Property], closed: bool = True) -> core_schema.TypedDictSchema:
    """Return the model of some properties.

    Args:
        properties: In the words of the table.
        closed: Whether there may be no others.
    """
    fields = {
        name: core_schema.typed_dict_field(_kind(each.kind, each.required).core_schema(), required=each.required)
        for name, each in properties.items()
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid" if closed else "ignore")


@lru_cache(maxsize=512)
def _kind(written: str, required: bool) -> Kind:
    kind = kind_named(written)
    return kind.needed(empty=written not in BRANCHES) if required else kind
