"""Derives the Avro schema of a message from its shape.

Owns the mapping from shapes to Avro. Every process uses it for what it writes, so that a record's fingerprint always
tells the truth about its bytes; `derive` puts the same, with documentation, into `schemas/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from schemas import NAMESPACE
from topics.serde import shapes

Docs = Callable[[type[msgspec.Struct]], Mapping[str, str]]
"""Documentation of a class: its fields' by name, its own under the empty name."""


def schema_of(record: shapes.Record, docs: Docs | None = None) -> dict[str, Any]:
    """Return the Avro schema of a message as JSON; every field that may be absent has a default.

    Args:
        record: The message's shape.
        docs: Where documentation comes from; None leaves it out, which changes no fingerprint.
    """
    definition: dict[str, Any] = _avro(record, docs, set())
    return definition


def _avro(shape: shapes.Shape, docs: Docs | None, defined: set[str]) -> Any:
    match shape:
        case shapes.Scalar(avro):
            return avro
        case shapes.Symbol():
            return "string"
        case shapes.Optional(of, null_first):
            inner = _avro(of, docs, defined)
            return ["null", inner] if null_first else [inner, "null"]
        case shapes.Array(of):
            return {"type": "array", "items": _avro(of, docs, defined)}
        case shapes.Map(of):
            return {"type": "map", "values": _avro(of, docs, defined)}
        case shapes.Union(of):
            return [_avro(each, docs, defined) for each in of]
        case shapes.Record():
            return _record(shape, docs, defined)


def _record(record: shapes.Record, docs: Docs | None, defined: set[str]) -> Any:
    if record.name in defined:
        return f"{NAMESPACE}.{record.name}"
    head = {"type": "record", "name": record.name} | ({} if defined else {"namespace": NAMESPACE})
    defined.add(record.name)
    texts = docs(record.cls) if docs else {}
    fields = []
    for field in record.fields:
        written: dict[str, Any] = {"name": field.name, "type": _avro(field.shape, docs, defined)}
        if not field.required:
            written["default"] = _default(field.default)
        if field.name in texts:
            written["doc"] = texts[field.name]
        fields.append(written)
    return head | ({"doc": texts[""]} if "" in texts else {}) | {"fields": fields}


def _default(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, tuple):
        return [_default(each) for each in value]
    if isinstance(value, dict):
        return {key: _default(each) for key, each in value.items()}
    if isinstance(value, msgspec.Struct):
        return {name: _default(getattr(value, name)) for name in value.__struct_fields__}
    return value
