"""Values as text: what `{{ value }}` prints, and compact JSON.

Owns the formats. Null entries of maps are left out and nulls in lists stay, as clients of the language expect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Protocol

from engine.expression.errors import Failure
from engine.expression.numbers import number_text

MAX_DATA_DEPTH = 100
"""How deep maps and lists may nest."""


class Counter(Protocol):
    """The part of a run that printing needs."""

    def charge(self, steps: int) -> None:
        """Take steps from the budget."""

    def grow(self, characters: int) -> None:
        """Ask before a text of this size is built."""


class Entry:
    """An entry of a map while a loop goes over it."""

    __slots__ = ("key", "value")

    def __init__(self, key: Any, value: Any) -> None:
        self.key = key
        self.value = value


def to_text(run: Counter, value: Any) -> str:
    """Return what `{{ value }}` prints: null is empty, maps and lists are compact JSON.

    Raises:
        Failure: If the value is of no kind that the language knows.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (Mapping, list, tuple)):
        return to_json(run, value)
    return scalar_text(run, value)


def java_text(run: Counter, value: Any) -> str:
    """Return a value as Java's `String.valueOf` has it: `null`, `[a, b]`, `{a=b}`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    out: list[str] = []
    _java(run, value, out, 0)
    return "".join(out)


def _java(run: Counter, value: Any, out: list[str], depth: int) -> None:
    run.charge(1)
    if depth > MAX_DATA_DEPTH:
        raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
    if isinstance(value, str):
        run.grow(len(value))
        out.append(value)
    elif value is None:
        out.append("null")
    elif isinstance(value, Mapping):
        out.append("{")
        for index, (key, each) in enumerate(value.items()):
            out.append(", " if index else "")
            _java(run, key, out, depth + 1)
            out.append("=")
            _java(run, each, out, depth + 1)
        out.append("}")
    elif isinstance(value, (list, tuple)):
        out.append("[")
        for index, each in enumerate(value):
            out.append(", " if index else "")
            _java(run, each, out, depth + 1)
        out.append("]")
    else:
        out.append(scalar_text(run, value))


def scalar_text(run: Counter, value: Any) -> str:
    """Return the text of a value that is neither text, null, map nor list."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, float, Decimal)):
        if isinstance(value, int) and value.bit_length() > 12_000:
            raise Failure("A whole number with more than 3,600 digits can't be printed")
        return number_text(value)
    if isinstance(value, Entry):
        return f"{java_text(run, value.key)}={java_text(run, value.value)}"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if isinstance(value, (Sequence, Iterable)):
        return to_json(run, list(value))
    raise Failure(f"A value of the kind {type(value).__name__} can't be printed")


class _Writer:
    """Collects JSON; counts a step per value, so that structures which share parts can't explode."""

    __slots__ = ("indent", "out", "run", "size")

    def __init__(self, run: Counter, indent: int = 0) -> None:
        self.run = run
        self.out: list[str] = []
        self.size = 0
        self.indent = indent

    def put(self, text: str) -> None:
        self.out.append(text)
        self.size += len(text)

    def write(self, value: Any, depth: int = 0) -> None:
        self.run.charge(1)
        if depth > MAX_DATA_DEPTH:
            raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
        if isinstance(value, str):
            self.put(encode_basestring(value))
            self.run.grow(self.size)
        elif value is None:
            self.put("null")
        elif isinstance(value, Entry):
            self._map([(value.key, value.value)], depth)
        elif isinstance(value, Mapping):
            self._map(value.items(), depth)
        elif isinstance(value, (list, tuple, set, frozenset)):
            self._list(value, depth)
        elif isinstance(value, (bool, int, float, Decimal)):
            text = scalar_text(self.run, value)
            self.put(f'"{text}"' if text in ("NaN", "Infinity", "-Infinity") else text)
        else:
            self.put(encode_basestring(scalar_text(self.run, value)))

    def _map(self, items: Iterable[tuple[Any, Any]], depth: int) -> None:
        self.put("{")
        first = True
        for key, value in items:
            if value is None:
                continue
            if not first:
                self.put(",")
            first = False
            self.put(encode_basestring(java_text(self.run, key)) + ":")
            self.write(value, depth + 1)
        self.put("}")

    def _list(self, values: Iterable[Any], depth: int) -> None:
        self.put("[")
        for index, value in enumerate(values):
            if index:
                self.put(",")
            self.write(value, depth + 1)
        self.put("]")


def to_json(run: Counter, value: Any) -> str:
    """Return compact JSON; map entries that are null are left out.

    Raises:
        Failure: If the value nests too deep or is of no kind that JSON knows.
    """
    writer = _Writer(run)
    writer.write(value)
    run.grow(writer.size)
    return "".join(writer.out)
