"""Kinds of properties that are read when the flow is, so that no expression may stand for them.

Owns the coercions that flows of the wild rely on: a number where a text is meant, "true" in quotes, seconds as
a duration.
"""

from __future__ import annotations

import re
from typing import Any

from engine.flow.problems import did_you_mean
from engine.flow.scalars import plain_text
from engine.flow.shapes.kinds import (
    TEMPLATE,
    Kind,
    Listed,
    Read,
    Schema,
    complaint,
    is_template,
    reference,
    refused,
    shown,
)
from engine.values import State, parse_duration_ms

MAX_INT = 2**31 - 1
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")

WHOLE = re.compile(r"[-+]?[0-9]{1,20}")
TRUTH = {"true": True, "false": False}
_TRUTH_PATTERN = r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$"
_NUMBER_PATTERN = r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?"
NUMBER_TEXT: Schema = {"type": "string", "pattern": rf"^\s*{_NUMBER_PATTERN}\s*$"}
WHOLE_TEXT: Schema = {"type": "string", "pattern": r"^\s*[-+]?[0-9]{1,20}\s*$"}
_ISO_PATTERN = (
    r"[-+]?[Pp](?=[0-9Tt])([0-9]+[Dd])?([Tt](?=[0-9])([0-9]+[Hh])?([0-9]+[Mm])?([0-9]+([.,][0-9]{1,9})?[Ss])?)?"
)


def read_text(value: Any) -> str | None:
    """Return a text; a number or boolean is spelled out."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, (list, dict)):
        raise refused("a text", value)
    return plain_text(value)


def _flag(default: bool) -> Read:
    def read(value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return default if value is None else value
        known = TRUTH.get(value.strip().lower()) if isinstance(value, str) else None
        if known is None:
            raise refused("true or false", value, "It can't hold an expression" if is_template(value) else "")
        return known

    return read


def whole(low: int, high: int = MAX_INT, dynamic: bool = False) -> Kind:
    """Return the kind of whole numbers between two bounds."""

    def read(value: Any) -> int | str | None:
        if value is None or (dynamic and is_template(value)):
            return value  # type: ignore[no-any-return]
        found = int(value) if isinstance(value, str) and WHOLE.fullmatch(value.strip()) else value
        if isinstance(found, bool) or not isinstance(found, int):
            raise refused("a whole number", value)
        if not low <= found <= high:
            wanted = f"at least {low}" if high == MAX_INT else f"between {low} and {high}"
            raise complaint("range", f"Expected a number that is {wanted}, but found {found}")
        return found

    number: Schema = {"type": ["integer", "null"], "minimum": low, "maximum": high}
    return Kind(read, {"anyOf": [number, WHOLE_TEXT, *([TEMPLATE] if dynamic else [])]})


def read_number(value: Any) -> float | None:
    """Return a number, which may be written as text."""
    if value is None:
        return None
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise refused("a number", value)


def choice(
    words: tuple[str, ...], dynamic: bool = False, default: str | None = None, offered: tuple[str, ...] = ()
) -> Kind:
    """Return the kind of a closed set of words.

    Args:
        words: All of them.
        dynamic: Whether an expression will do too.
        default: What an unset value becomes.
        offered: Those that the schema lets through, if another model takes the others.
    """

    def read(value: Any) -> Any:
        if value is None or (isinstance(value, str) and value in words) or (dynamic and is_template(value)):
            return default if value is None else value
        raise refused(expected, value, lambda: did_you_mean(str(value), words), "choice")

    expected = f"one of {', '.join(words)}"
    closed: Schema = {"enum": [*(offered or words), None]}
    return Kind(read, {"anyOf": [closed, TEMPLATE]} if dynamic else closed, words=words)


def _read_duration(value: Any) -> int | None:
    if value is None:
        return None
    try:
        return parse_duration_ms("" if isinstance(value, (bool, list, dict)) else value)
    except ValueError:
        raise refused("a duration such as PT30S, P1DT2H or a number of seconds", value, rule="duration") from None


def _read_timeout(value: Any) -> str | None:
    written = None if value is None or isinstance(value, (list, dict)) else plain_text(value)
    if value is None or is_template(written):
        return written
    expected = "a duration such as PT30S, P1DT2H or a number of seconds"
    try:
        if written is not None and parse_duration_ms(written) > 0:
            return written
        expected = "a duration above zero" if written is not None else expected
    except ValueError:
        pass
    raise refused(expected, value, rule="duration")


def ids(what: str) -> Kind:
    """Return the kind of one id or a list of them."""

    def read(value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(name, (str, int)) for name in value):
            return tuple(map(str, value))
        raise refused(f"a list of {what}", value)

    return Kind(read, {"type": ["array", "string", "null"], "items": {"type": ["string", "integer", "boolean"]}})


def read_map(value: Any) -> Any:
    """Take a map."""
    if value is None or isinstance(value, dict):
        return value
    raise refused("a map", value)


def _read_list(value: Any) -> Any:
    if value is None or isinstance(value, list):
        return value
    raise refused("a list", value, "Start each item with '- '")


def map_of(part: str = "") -> Kind:
    """Return the kind of a map; if it holds a part, that is checked by whoever reads it."""
    return Kind(read_map, {"anyOf": [reference(part), {"type": "null"}]} if part else {"type": ["object", "null"]})


def list_of(part: str = "") -> Kind:
    """Return the kind of a list; if it holds parts, they are checked by whoever reads them."""
    return Kind(_read_list, {"type": ["array", "null"], **({"items": reference(part)} if part else {})})


TEXT = Kind(read_text, {"type": ["string", "number", "boolean", "null"]}, "text")
FLAG = Kind(
    _flag(False),
    {"anyOf": [{"type": ["boolean", "null"]}, {"type": "string", "pattern": _TRUTH_PATTERN}]},
    "boolean",
)
FLAG_SET = Kind(_flag(True), FLAG.schema)
"""A flag that is true where it isn't set."""
NUMBER = Kind(read_number, {"anyOf": [{"type": ["number", "null"]}, NUMBER_TEXT]})
DURATION = Kind(
    _read_duration,
    {"type": ["string", "number", "null"], "pattern": rf"^\s*({_NUMBER_PATTERN}|{_ISO_PATTERN})\s*$"},
    "staticDuration",
)
"""Becomes milliseconds."""
TIMEOUT = Kind(_read_timeout, {"anyOf": [DURATION.schema, TEMPLATE]})
"""Stays the text that it is."""
LEVEL = choice(LEVELS)
FREE = shown({})
LABELS = shown(
    {
        "anyOf": [
            {"type": ["object", "null"], "additionalProperties": {"type": ["string", "number", "boolean"]}},
            {"type": "array", "items": {"type": "object", "required": ["key", "value"]}},
        ]
    },
    "staticLabels",
)
STATE = choice(tuple(State.__members__))
STATES = Listed("a list of states", STATE, dynamic=False)
