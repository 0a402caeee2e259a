"""Values as text: what `{{ value }}` prints, and compact JSON.

Owns the formats. Null entries of maps are left out and nulls in lists stay, as clients of the language expect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Protocol

from engine.expression.errors import Failure
from engine.expression.numbers import number_text

MAX_DATA_DEPTH = 100
"""How deep maps and lists may nest."""


CONTAINER_COST = 4
"""Steps for walking into a map or list, on top of those for what it holds."""


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
    run.charge(CONTAINER_COST)
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
    if isinstance(value, Iterable):
        return to_json(run, list(value))
    raise Failure(f"A value of the kind {type(value).__name__} can't be printed")


class _Writer:
    """Collects JSON; counts every value, so that structures which share parts can't explode."""

    __slots__ = ("out", "run", "size")

    def __init__(self, run: Counter) -> None:
        self.run = run
        self.out: list[str] = []
        self.size = 0

    def write(self, value: Any, depth: int = 0) -> None:
        if value is None:
            self.out.append("null")
        elif isinstance(value, str):
            text = encode_basestring(value)
            self.size += len(text)
            self.out.append(text)
            self.run.grow(self.size)
        elif isinstance(value, (Mapping, list, tuple, Entry, set, frozenset)):
            if depth > MAX_DATA_DEPTH:
                raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
            if isinstance(value, (Mapping, Entry)):
                self._map([(value.key, value.value)] if isinstance(value, Entry) else value.items(), depth)
            else:
                self._list(value, depth)
        elif isinstance(value, (bool, int, float, Decimal)):
            text = scalar_text(self.run, value)
            self.out.append(f'"{text}"' if text in ("NaN", "Infinity", "-Infinity") else text)
        else:
            self.out.append(encode_basestring(scalar_text(self.run, value)))

    def _map(self, items: Iterable[tuple[Any, Any]], depth: int) -> None:
        self.run.charge(CONTAINER_COST)
        self.out.append("{")
        first = True
        for key, value in items:
            if value is None:
                continue
            self.run.charge(2)
            name = encode_basestring(key if type(key) is str else java_text(self.run, key))
            self.size += len(name)
            self.out.append(f"{name}:" if first else f",{name}:")
            first = False
            self.write(value, depth + 1)
        self.out.append("}")

    def _list(self, values: Collection[Any], depth: int) -> None:
        self.run.charge(CONTAINER_COST + len(values))
        self.out.append("[")
        first = True
        for value in values:
            if not first:
                self.out.append(",")
            first = False
            self.write(value, depth + 1)
        self.out.append("]")


def to_json(run: Counter, value: Any) -> str:
    """Return compact JSON; map entries that are null are left out.

    Raises:
        Failure: If the value nests too deep or is of no kind that JSON knows.
    """
    writer = _Writer(run)
    writer.write(value)
    text = "".join(writer.out)
    run.grow(len(text))
    return text
