"""Makes the function that decodes a schema's bytes into a message: plain Python source, once per writer's schema.

Owns the reading half of Avro's binary encoding, and its resolution: the writer's schema says what lies in the bytes,
the class's shape what is wanted of it. Nothing here trusts the bytes: no length or count is believed beyond what is
left of the record, so memory stays within a small multiple of the record's size, and slices never read beyond its end.

Why not fastavro's reader: it has none of these bounds, and dictionaries plus conversion take twice the time. Property
tests hold both to the same values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import schemas
from topics.serde import shapes
from topics.serde.varint import Malformed, block, length, more

Decoder = Callable[[bytes, int], tuple[Any, int]]
"""Takes the record and where the body begins; returns the message and where the body ends."""

_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})

_ACCEPTED = {
    "boolean": ("boolean",),
    "long": ("int", "long"),
    "double": ("int", "long", "float", "double"),
    "bytes": ("bytes", "string"),
    "string": ("bytes", "string"),
}
"""What may have been written where a primitive is wanted."""

Wanted = shapes.Shape | None
"""None: read over it."""


class Unresolvable(TypeError):
    """A writer's schema from which the class can't be made."""


def decoder_of(written: dict[str, Any], record: shapes.Record) -> Decoder:
    """Return the decoder of what `written` describes into the class of `record`.

    The function raises `Malformed`, `IndexError`, `UnicodeDecodeError` or whatever else hostile bytes provoke.

    Raises:
        Unresolvable: If the schema lacks a field that has no default, has another type where one is wanted, contains
            itself, or has types that our schemas never use.
    """
    source = _Source()
    name = source.record(written, record, ())
    exec("\n".join(source.lines), source.scope)  # noqa: S102 - the source is made of checked names and numbers only
    decoder: Decoder = source.scope[name]
    return decoder


def _symbol(symbols: dict[bytes, Any], text: bytes) -> Any:
    raise Malformed(f"{text[:80]!r} is none of {[str(each) for each in symbols.values()]}")


def _branch(index: int) -> Any:
    raise Malformed(f"branch {index / 2:g} of a union doesn't exist or isn't wanted here")


class _Source:
    """The functions of one schema, one per pair of written and wanted record."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.scope: dict[str, Any] = {
            "more": more,
            "length": length,
            "block": block,
            "bad_symbol": _symbol,
            "bad_branch": _branch,
            "BOOL": (False, True),
            "double": struct.Struct("<d").unpack_from,
            "single": struct.Struct("<f").unpack_from,
        }
        self.variables = 0

    def record(self, written: dict[str, Any], wanted: shapes.Record | None, around: tuple[str, ...]) -> str:
        """Write the function that reads a record; return its name."""
        label = written["name"]
        if not all(isinstance(each, str) and each.isidentifier() for each in (label, *map(_name, written["fields"]))):
            raise Unresolvable(f"{label!r} or one of its fields has a name that Avro doesn't allow")
        if label in around:
            raise Unresolvable(f"{label} contains itself")
        if wanted is not None and wanted.name != label:
            raise Unresolvable(f"{label} was written where {wanted.name} is wanted")
        self.names[f"{schemas.NAMESPACE}.{label}"] = written
        name = f"read_{label}" if wanted is not None else f"skip_{label}"
        if name in self.scope:
            return name
        self.scope[name] = None
        body: list[str] = []
        arguments = [] if wanted is None else _absent(written, wanted)
        shapes_by_field = {} if wanted is None else {field.name: field.shape for field in wanted.fields}
        for field in written["fields"]:
            variable = self.value(field["type"], shapes_by_field.get(field["name"]), body, (*around, label))
            if field["name"] in shapes_by_field:
                arguments.append(f"{field['name']}={variable}")
        made = "None"
        if wanted is not None:
            self.scope[f"C_{label}"] = wanted.cls
            made = f"C_{label}({', '.join(arguments)})"
        self.lines += [f"def {name}(b, i):", *(f" {line}" for line in body), f" return {made}, i"]
        return name

    def value(self, written: Any, wanted: Wanted, body: list[str], around: tuple[str, ...]) -> str:
        """Append statements that read a value; return the variable that holds it then."""
        if isinstance(written, str) and written not in _PRIMITIVES:
            if written not in self.names:
                raise Unresolvable(f"the type {written} isn't defined before it is used")
            written = self.names[written]
        self.variables += 1
        variable = f"v{self.variables}"
        if isinstance(written, list):
            self._union(written, wanted, variable, body, around)
            return variable
        if isinstance(wanted, shapes.Optional):
            wanted = wanted.of
        kind = written if isinstance(written, str) else written["type"]
        if kind == "record":
            target = wanted
            if isinstance(wanted, shapes.Union):
                target = next((each for each in wanted.of if each.name == written["name"]), wanted)
            if not isinstance(target, shapes.Record | None):
                raise _unwanted(kind, wanted)
            body.append(f"{variable}, i = {self.record(written, target, around)}(b, i)")
        elif kind in ("array", "map"):
            self._block(written, wanted, variable, body, around)
        elif kind in _PRIMITIVES:
            self._primitive(kind, wanted, variable, body)
        else:
            raise Unresolvable(f"the type {kind} isn't used in our schemas")
        return variable

    def _primitive(self, kind: str, wanted: Wanted, variable: str, body: list[str]) -> None:
        if wanted is not None and not _may_be(kind, wanted):
            raise _unwanted(kind, wanted)
        target = wanted.avro if isinstance(wanted, shapes.Scalar) else ""
        if kind in ("bytes", "string"):
            body += ["n = b[i]; i += 1", "if n & 129: n, i = length(b, i, n)", "j = i + (n >> 1)"]
            if isinstance(wanted, shapes.Symbol):
                symbols = f"E_{wanted.cls.__name__}"
                self.scope[symbols] = {member.value.encode(): member for member in wanted.cls}
                body.append(f"{variable} = {symbols}.get(b[i:j]) or bad_symbol({symbols}, b[i:j])")
            else:
                body.append(f"{variable} = b[i:j]{'.decode()' if target == 'string' else ''}")
            body.append("i = j")
        elif kind in ("int", "long"):
            body += ["n = b[i]; i += 1", "if n & 128: n, i = more(b, i, n)"]
            value = "(n >> 1) ^ -(n & 1)"
            body.append(f"{variable} = float({value})" if target == "double" else f"{variable} = {value}")
        elif kind == "boolean":
            body.append(f"{variable} = BOOL[b[i]]; i += 1")
        elif kind == "null":
            body.append(f"{variable} = None")
        else:
            unpack, size = ("double", 8) if kind == "double" else ("single", 4)
            body.append(f"({variable},) = {unpack}(b, i); i += {size}")

    def _block(self, written: Any, wanted: Wanted, variable: str, body: list[str], around: tuple[str, ...]) -> None:
        is_map = written["type"] == "map"
        if wanted is not None and not isinstance(wanted, shapes.Map if is_map else shapes.Array):
            raise _unwanted(written["type"], wanted)
        inner: list[str] = []
        if is_map:
            key = self.value("string", shapes.Scalar("string"), inner, around)
        elif self._is_empty(written["items"]):
            raise Unresolvable("an array has items that take no bytes")
        of = wanted.of if isinstance(wanted, shapes.Map | shapes.Array) else None
        item = self.value(written["values" if is_map else "items"], of, inner, around)
        if wanted is not None:
            inner.append(f"{variable}[{key}] = {item}" if is_map else f"{variable}.append({item})")
        body += [f"{variable} = {'{}' if is_map else '[]'}", "while True:"]
        body += [
            " n = b[i]; i += 1",
            " if n & 129: n, i = block(b, i, n)",
            " if not n: break",
            " for _ in range(n >> 1):",
        ]
        body += [f"  {line}" for line in inner]
        if not is_map:
            body.append(f"{variable} = tuple({variable})")

    def _union(
        self, written: list[Any], wanted: Wanted, variable: str, body: list[str], around: tuple[str, ...]
    ) -> None:
        body += ["n = b[i]; i += 1", "if n & 128: n, i = more(b, i, n)"]
        if isinstance(wanted, shapes.Union) and all(isinstance(self._resolved(each), dict) for each in written):
            self._records(written, wanted, variable, body, around)
            return
        test = "if"
        for index, branch in enumerate(written):
            inner: list[str] = []
            if branch == "null" and isinstance(wanted, shapes.Optional | None):
                inner = [f"{variable} = None"]
            elif wanted is None or _may_be(self._resolved(branch), wanted):
                inner.append(f"{variable} = {self.value(branch, wanted, inner, around)}")
            if inner:
                body += [f"{test} n == {2 * index}:", *(f" {line}" for line in inner)]
                test = "elif"
        body += ["else: bad_branch(n)"] if test == "elif" else ["bad_branch(n)"]

    def _records(
        self, written: list[Any], wanted: shapes.Union, variable: str, body: list[str], around: tuple[str, ...]
    ) -> None:
        """Read a union of records through a table, since it may have dozens of branches."""
        by_name = {each.name: each for each in wanted.of}
        rows = []
        for index, branch in enumerate(map(self._resolved, written)):
            target = by_name.get(branch["name"])
            if target is not None:
                rows.append(f"{2 * index}: {self.record(branch, target, around)}")
        table = f"branches_{len(self.lines)}"
        self.lines.append(f"{table} = {{{', '.join(rows)}}}")
        body.append(f"{variable}, i = ({table}.get(n) or bad_branch(n))(b, i)")

    def _resolved(self, written: Any) -> Any:
        return self.names.get(written, written) if isinstance(written, str) else written

    def _is_empty(self, written: Any) -> bool:
        written = self._resolved(written)
        if isinstance(written, dict) and written["type"] == "record":
            return all(self._is_empty(field["type"]) for field in written["fields"])
        return bool(written == "null")


def _name(field: dict[str, Any]) -> Any:
    return field["name"]


def _absent(written: dict[str, Any], wanted: shapes.Record) -> list[str]:
    """Return the arguments for fields that weren't written and that the class itself has no default for."""
    there = {field["name"] for field in written["fields"]}
    missing = [field for field in wanted.fields if field.name not in there]
    for field in missing:
        if field.required:
            raise Unresolvable(f"{wanted.name}.{field.name} wasn't written and has no default")
    return [f"{each.name}=None" for each in missing if isinstance(each.shape, shapes.Optional) and each.default is None]


def _may_be(written: Any, wanted: shapes.Shape) -> bool:
    """Return whether a branch of a written union can become what is wanted, going by its outermost type."""
    if isinstance(wanted, shapes.Optional):
        wanted = wanted.of
    kind = written if isinstance(written, str) else written["type"]
    match wanted:
        case shapes.Scalar(avro):
            return kind in _ACCEPTED[avro]
        case shapes.Symbol():
            return kind == "string"
        case shapes.Array():
            return kind == "array"
        case shapes.Map():
            return kind == "map"
        case shapes.Record():
            return kind == "record" and written["name"] == wanted.name
        case shapes.Union(of):
            return kind == "record" and written["name"] in {each.name for each in of}
    return False


def _unwanted(kind: str, wanted: Wanted) -> Unresolvable:
    return Unresolvable(f"{kind} was written where {type(wanted).__name__} is wanted")
