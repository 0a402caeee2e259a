"""Makes the function that encodes a message class: plain Python source, written once per class from its shape.

Owns the writing half of Avro's binary encoding. Measured on a step of three events with eight fields each, it takes a
third of the time of building dictionaries for fastavro's writer; a property test holds both to the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from topics.serde import shapes
from topics.serde.varint import LONG

Encoder = Callable[[Any, bytes], bytes]
"""Takes a message and the bytes to put before it."""


def encoder_of(record: shapes.Record) -> Encoder:
    """Return the encoder of a message.

    The function raises whatever Python raises when a field holds something else than its annotation says; encoding
    doesn't validate beyond that, since messages are made by our own code.
    """
    source = _Source()
    name = source.record(record)
    exec("\n".join(source.lines), source.scope)  # noqa: S102 - the source is made of class and field names only
    encoder: Encoder = source.scope[name]
    return encoder


def _text(value: str) -> bytes:
    data = value.encode()
    return LONG[len(data)] + data


def _data(value: bytes) -> bytes:
    return LONG[len(value)] + value


class _Source:
    """The functions of one schema, one per record."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {
            "L": LONG,
            "join": b"".join,
            "text": _text,
            "data": _data,
            "double": struct.Struct("<d").pack,
        }

    def record(self, record: shapes.Record) -> str:
        """Write the function of a record, unless it is there; return its name."""
        name = f"write_{record.name}"
        if name in self.scope:
            return name
        self.scope[name] = None
        body: list[str] = []
        parts = ["head"]
        for number, field in enumerate(record.fields):
            parts += self._parts(field.shape, f"m.{field.name}", f"v{number}", body)
        self._function(f"{name}(m, head=b'')", body, parts)
        return name

    def _function(self, signature: str, body: list[str], parts: list[str]) -> None:
        self.lines += [f"def {signature}:", *(f" {line}" for line in body), f" return join(({', '.join(parts)},))"]

    def _parts(self, shape: shapes.Shape, value: str, name: str, body: list[str]) -> list[str]:
        """Append statements to `body`; return the expressions that make up the value's bytes."""
        match shape:
            case shapes.Scalar("string") | shapes.Symbol():
                body.append(f"{name} = {value}.encode()")
                return [f"L[len({name})]", name]
            case shapes.Scalar("bytes"):
                body.append(f"{name} = {value}")
                return [f"L[len({name})]", name]
            case shapes.Optional(of, null_first):
                null, some = (b"\x00", b"\x02") if null_first else (b"\x02", b"\x00")
                inner: list[str] = []
                parts = self._parts(of, name, f"{name}_", inner)
                body += [f"{name} = {value}", f"if {name} is None: {name} = {null!r}", "else:"]
                body += [f" {line}" for line in inner]
                body.append(f" {name} = join(({some!r}, {', '.join(parts)}))")
                return [name]
            case shapes.Array(shapes.Union(of)):
                branches = self._branches(of)
                return self._block(value, name, body, f"[w(x, p) for x in {name} for w, p in ({branches}[type(x)],)]")
            case shapes.Array(of):
                return self._block(value, name, body, f"[{self._item(of, 'x')} for x in {name}]")
            case shapes.Map(of):
                return self._block(value, name, body, f"[text(k) + {self._item(of, 'x')} for k, x in {name}.items()]")
            case _:
                return [self._item(shape, value)]

    def _block(self, value: str, name: str, body: list[str], items: str) -> list[str]:
        body += [f"{name} = {value}", f"{name} = join((L[len({name})], *{items}, b'\\0')) if {name} else b'\\0'"]
        return [name]

    def _branches(self, records: tuple[shapes.Record, ...]) -> str:
        """Write the functions of a union's records; return the name of the table by class: function, branch's index."""
        name = f"branches_{len(self.scope)}"
        rows = [f"C_{each.name}: ({self.record(each)}, L[{index}])" for index, each in enumerate(records)]
        self.scope |= {f"C_{each.name}": each.cls for each in records}
        self.scope[name] = None
        self.lines.append(f"{name} = {{{', '.join(rows)}}}")
        return name

    def _item(self, shape: shapes.Shape, value: str) -> str:
        """Return an expression for a value's bytes."""
        match shape:
            case shapes.Scalar("long"):
                return f"L[{value}]"
            case shapes.Scalar("boolean"):
                return f"(b'\\1' if {value} else b'\\0')"
            case shapes.Scalar("double"):
                return f"double({value})"
            case shapes.Scalar("bytes"):
                return f"data({value})"
            case shapes.Scalar() | shapes.Symbol():
                return f"text({value})"
            case shapes.Record():
                return f"{self.record(shape)}({value})"
            case _:
                name = f"item_{len(self.scope)}"
                self.scope[name] = None
                body: list[str] = []
                parts = self._parts(shape, "m", "v", body)
                self._function(f"{name}(m)", body, parts)
                return f"{name}({value})"
