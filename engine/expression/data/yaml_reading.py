"""YAML text to values: only `true`, `false`, `null` and numbers are more than text; dates stay text.

Owns the resolution of scalars and the bounds. Flows are read elsewhere (`engine/flow`), with places and problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import YAMLError

from engine.expression.errors import Failure, quoted

if TYPE_CHECKING:
    from engine.expression.state import Run

MAX_SIZE = 524_288
"""Characters, whatever the budget."""
COST = 10
"""Steps per character; the reader manages some 140,000 characters a second."""
MAX_DEPTH = 60

_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}


def read_yaml(run: Run, text: str) -> Any:
    """Return the value of the first document of a YAML text.

    Raises:
        Failure: If it isn't YAML, is too large, or uses more aliases than its size explains.
    """
    if len(text) > MAX_SIZE:
        raise Failure(f"a YAML text of more than {MAX_SIZE} characters")
    run.charge(len(text) * COST)
    _bound_brackets(text)
    try:
        return _Composer(run, YAML(typ="safe", pure=True).parse(text)).document()
    except (YAMLError, RecursionError, ValueError, StopIteration) as error:
        raise Failure(f"{quoted(text)} is no YAML{_place(error)}") from None


def _place(error: Exception) -> str:
    """Return where the text is wrong; the reader's own words may hold parts of it."""
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"


def _bound_brackets(text: str) -> None:
    """Refuse deep flow collections early: the reader's work grows with the square of their depth."""
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Failure(f"YAML nested deeper than {MAX_DEPTH}")
        elif character in "]}":
            depth -= 1


class _Composer:
    """Makes values out of the reader's events."""

    def __init__(self, run: Run, source: Iterator[Any]) -> None:
        self.run = run
        self.source = source
        self.anchors: dict[str, Any] = {}

    def document(self) -> Any:
        for event in self.source:
            if not isinstance(event, (events.StreamStartEvent, events.DocumentStartEvent)):
                return None if isinstance(event, events.StreamEndEvent) else self._value(event, 0)
        return None

    def _value(self, event: Any, depth: int) -> Any:
        self.run.charge(1)
        if depth > MAX_DEPTH:
            raise Failure(f"YAML nested deeper than {MAX_DEPTH}")
        if isinstance(event, events.AliasEvent):
            if event.anchor not in self.anchors:
                raise Failure(f"no YAML: the alias '{event.anchor}' has no anchor")
            return self.anchors[event.anchor]
        if isinstance(event, events.ScalarEvent):
            value = resolve(event.value) if event.implicit[0] else event.value
        elif isinstance(event, events.SequenceStartEvent):
            value = []
            while not isinstance(each := next(self.source), events.SequenceEndEvent):
                value.append(self._value(each, depth + 1))
        else:
            value = {}
            while not isinstance(each := next(self.source), events.MappingEndEvent):
                key = each.value if isinstance(each, events.ScalarEvent) else None
                if key is None:
                    raise Failure("no YAML for us: a key must be a text")
                value[key] = self._value(next(self.source), depth + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value


def resolve(text: str) -> Any:
    """Return what an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    plain = text.replace("_", "")
    if (not plain[:1].isdigit() and plain[:1] not in ("+", "-", ".")) or len(plain) > 300 or not plain.isascii():
        return text
    digits = plain.lstrip("+-")
    if len(plain) - len(digits) > 1:
        return text
    if digits.isdigit():
        if len(digits) > 1 and digits.startswith("0"):
            return text if not all(digit in "01234567" for digit in digits) else int(plain, 8)
        return int(plain)
    if digits.startswith("0x") and all(character in "0123456789abcdefABCDEF" for character in digits[2:]):
        return int(plain, 16) if digits[2:] else text
    return _float(text, plain, digits)


def _float(text: str, plain: str, digits: str) -> Any:
    mantissa, mark, exponent = digits.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    numeric = (whole or fraction) and (whole + fraction).isdigit() and mantissa.count(".") <= 1
    if not numeric or (mark and not exponent.lstrip("+-").isdigit()) or (not mark and "." not in mantissa):
        return text
    return float(plain)
