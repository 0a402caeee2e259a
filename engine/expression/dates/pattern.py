"""Java's date patterns (`yyyy-MM-dd'T'HH:mm:ss.SSSXXX`) as a list of fields.

Owns the pattern letters; `writing.py` and `reading.py` give them meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from engine.expression.errors import Failure

LETTERS = frozenset("GuyDgMLdQqYwWEecFaBhHkKmsSAnNVvzOXxZp")
_MOST = {
    **dict.fromkeys("WFa", 1),
    **dict.fromkeys("dhHkKmsw", 2),
    "D": 3,
    **dict.fromkeys("zOv", 4),
    **dict.fromkeys("GEecMLQqXxZ", 5),
    "S": 9,
}
"""How often a letter may be repeated, where that is bounded."""
MAX_PATTERN = 200


@dataclass(frozen=True, slots=True)
class Field:
    """A letter and how often it is repeated; `width` is what a `p` before it pads to."""

    letter: str
    count: int
    width: int = 0


@dataclass(frozen=True, slots=True)
class Optional:
    """A part in brackets, left out where it can't be written or isn't there to be read."""

    parts: tuple[Part, ...]


Part: TypeAlias = "str | Field | Optional"

STYLES = {
    "full": "EEEE, MMMM d, y 'at' h:mm:ss\u202fa zzzz",
    "long": "MMMM d, y 'at' h:mm:ss\u202fa z",
    "medium": "MMM d, y, h:mm:ss\u202fa",
    "short": "M/d/yy, h:mm\u202fa",
}
_LOCAL_TIME = "HH:mm[:ss[.n]]"
NAMED = {
    "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "iso_milli": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "sql_milli": "yyyy-MM-dd HH:mm:ss.SSS",
    "sql_sec": "yyyy-MM-dd HH:mm:ss",
    "sql_seq": "yyyy-MM-dd HH:mm:ss",
    "rfc_1123_date_time": "EEE, d MMM yyyy HH:mm:ss zz",
}
ISO = frozenset(
    {
        "iso_date",
        "iso_time",
        "iso_date_time",
        "iso_instant",
        "iso_local_date",
        "iso_local_time",
        "iso_local_date_time",
        "iso_offset_date",
        "iso_offset_time",
        "iso_offset_date_time",
        "iso_zoned_date_time",
        "iso_ordinal_date",
        "iso_week_date",
        "basic_iso_date",
        "rfc_1123_date_time",
    }
)
"""Named formats that no pattern describes: their fractions and offsets have no fixed width."""


@lru_cache(maxsize=512)
def parts_of(pattern: str) -> tuple[Part, ...]:
    """Return the parts of a pattern or of a named format that is one.

    Raises:
        Failure: If the pattern holds a letter that means nothing, an open quote or bracket, or is too long.
    """
    text = NAMED.get(pattern) or STYLES.get(pattern) or pattern
    if len(text) > MAX_PATTERN:
        raise Failure(f"a date pattern of more than {MAX_PATTERN} characters")
    parts, end = _read(text, 0, 0)
    if end != len(text):
        raise Failure(f"'{pattern}' closes a bracket that it doesn't open")
    return parts


def _read(text: str, at: int, depth: int) -> tuple[tuple[Part, ...], int]:
    """Read parts up to the end or the bracket that closes them."""
    parts: list[Part] = []
    padding = 0
    while at < len(text):
        character = text[at]
        if character == "'":
            literal, at = _quoted(text, at)
            parts.append(literal)
        elif character == "[":
            if depth > 10:
                raise Failure("a date pattern nests brackets too deep")
            inner, at = _read(text, at + 1, depth + 1)
            if at >= len(text):
                raise Failure(f"'{text}' opens a bracket that it doesn't close")
            parts.append(Optional(inner))
            at += 1
        elif character == "]" and depth:
            return tuple(parts), at
        elif character in "{}#]":
            raise Failure(f"'{character}' can't stand in a date pattern")
        elif character.isascii() and character.isalpha():
            end = at
            while end < len(text) and text[end] == character:
                end += 1
            if character not in LETTERS:
                raise Failure(f"the letter '{character}' means nothing in a date pattern")
            if end - at > _MOST.get(character, MAX_PATTERN):
                raise Failure(f"'{character}' stands more than {_MOST[character]} times in a row in a date pattern")
            if character == "p":
                padding = end - at
            else:
                parts.append(Field(character, end - at, padding))
                padding = 0
            at = end
        else:
            parts.append(character)
            at += 1
    if padding:
        raise Failure("the letter 'p' of a date pattern pads the one after it, but there is none")
    return tuple(parts), at


def _quoted(text: str, at: int) -> tuple[str, int]:
    if text.startswith("''", at):
        return "'", at + 2
    out: list[str] = []
    at += 1
    while at < len(text):
        if text.startswith("''", at):
            out.append("'")
            at += 2
        elif text[at] == "'":
            return "".join(out), at + 1
        else:
            out.append(text[at])
            at += 1
    raise Failure("a date pattern opens a quote that it doesn't close")
