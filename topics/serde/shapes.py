"""What a message class looks like on the wire, as data: the one place that reads type annotations.

Owns the mapping from Python types to a handful of shapes. `derive` turns shapes into Avro schemas, `writer` into
encoders, `reader` into decoders; none of them looks at an annotation.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Scalar(msgspec.Struct, frozen=True):
    """A primitive; `avro` is long, double, boolean, string or bytes."""

    avro: str


class Symbol(msgspec.Struct, frozen=True):
    """A `StrEnum`. It travels as a string, because Avro can't add symbols to its enums compatibly."""

    cls: type[StrEnum]


class Optional(msgspec.Struct, frozen=True):
    """Something or None."""

    of: Shape
    null_first: bool = True
    """Order of the union's branches: Avro wants the default's first."""


class Array(msgspec.Struct, frozen=True):
    """A tuple of any length."""

    of: Shape


class Map(msgspec.Struct, frozen=True):
    """A dict with string keys."""

    of: Shape


class Union(msgspec.Struct, frozen=True):
    """One of several records, ordered by name so that moving a class in its module changes nothing."""

    of: tuple[Record, ...]


class Field(msgspec.Struct, frozen=True):
    """A field of a record."""

    name: str
    shape: Shape
    required: bool
    """False: absent data become `default`."""
    default: Any = None


class Record(msgspec.Struct, frozen=True):
    """A class; `name` is its Avro name, which is the class's except where one class has several schemas (Step)."""

    name: str
    cls: type[msgspec.Struct]
    fields: tuple[Field, ...]


Shape = Scalar | Symbol | Optional | Array | Map | Union | Record

_SCALARS: dict[Any, Scalar] = {
    bool: Scalar("boolean"),
    int: Scalar("long"),
    float: Scalar("double"),
    str: Scalar("string"),
    bytes: Scalar("bytes"),
}


def record(
    cls: type[msgspec.Struct],
    name: str = "",
    replaced: Mapping[str, Shape] | None = None,
    around: tuple[type, ...] = (),
) -> Record:
    """Return the shape of a message class.

    Args:
        cls: A frozen Struct.
        name: Its name on the wire, if not the class's.
        replaced: Shapes of fields whose annotation says less than the wire must know.
        around: Classes that are being looked at, outermost first; a caller leaves it out.

    Raises:
        TypeError: If a field has a type that isn't known here, if records contain themselves (hostile depth would then
            exhaust the reader's stack), or if items of an array take no bytes (a tiny record could claim billions).
    """
    if cls in around:
        raise TypeError(f"{cls.__name__} contains itself; a message may not")
    fields = []
    for field in msgspec.structs.fields(cls):
        where = f"{cls.__name__}.{field.name}"
        shape = (replaced or {}).get(field.name) or _shape(field.type, where, (*around, cls))
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if default is msgspec.NODEFAULT:
            fields.append(Field(field.name, shape, required=not isinstance(shape, Optional)))
        else:
            if isinstance(shape, Optional) and default is not None:
                shape = Optional(shape.of, null_first=False)
            fields.append(Field(field.name, shape, required=False, default=default))
    return Record(name or cls.__name__, cls, tuple(fields))


def union(classes: typing.Iterable[type[msgspec.Struct]]) -> Union:
    """Return the union of message classes."""
    return Union(tuple(record(cls) for cls in sorted(classes, key=lambda cls: cls.__name__)))


def _shape(hint: Any, where: str, around: tuple[type, ...]) -> Shape:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Symbol(hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return record(hint, around=around)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union) and len(arguments) == 2 and types.NoneType in arguments:
        inner = _shape(arguments[arguments[0] is types.NoneType], where, around)
        return Optional(inner)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return Array(_item(arguments[0], where, around))
    if origin in (dict, Mapping) and arguments[0] is str:
        return Map(_item(arguments[1], where, around))
    raise TypeError(
        f"{where} has the type {hint}, which messages can't carry; use str, int, float, bool, bytes, a StrEnum, "
        "a frozen Struct, tuple[X, ...], dict[str, X] or X | None"
    )


def _item(hint: Any, where: str, around: tuple[type, ...]) -> Shape:
    shape = _shape(hint, where, around)
    if isinstance(shape, Record) and not shape.fields:
        raise TypeError(f"{where} holds items of {shape.name}, which has no fields and would take no bytes")
    return shape
