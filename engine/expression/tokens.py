"""The tokens that `lexer.py` makes and the parsers read."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

PUNCTUATION = "()[]{}?:.,="
SYMBOLS = ("???", "??", "==", "!=", ">=", "<=", "..", ">", "<", "+", "-", "*", "/", "%", "|", "~")
WORDS = frozenset({"or", "and", "is", "not", "contains", "equals", "isIn"})
CLOSING = {"(": ")", "[": "]", "{": "}"}


class Kind(Enum):
    """Kinds of tokens."""

    TEXT = auto()
    RAW = auto()
    PRINT_START = auto()
    PRINT_END = auto()
    TAG_START = auto()
    TAG_END = auto()
    NAME = auto()
    STRING = auto()
    INTERPOLATED_START = auto()
    INTERPOLATED_END = auto()
    LONG = auto()
    DOUBLE = auto()
    OPERATOR = auto()
    PUNCTUATION = auto()
    END = auto()


class Token(NamedTuple):
    """A token; `value` is its text without quotes, `position` its offset in the source."""

    kind: Kind
    value: str
    position: int
