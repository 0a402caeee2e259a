"""Plain YAML scalars to JSON values, as flows of the wild expect them.

Owns the one resolver: booleans in the old spelling too (yes, no, on, off), integers, decimals and null. It makes no
dates, no sexagesimals and no octals up: `14:19:00`, `2024-01-01` and `0123` stay texts.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {"": None, "~": None}
_WORDS |= {form: None for word in ("null",) for form in (word, word.title(), word.upper())}
_WORDS |= {form: True for word in ("true", "yes", "on") for form in (word, word.title(), word.upper())}
_WORDS |= {form: False for word in ("false", "no", "off") for form in (word, word.title(), word.upper())}

_START = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,40})")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]{1,32}")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]{0,40}\.[0-9_]{0,40}|\.[0-9][0-9_]{0,40}|[0-9]{1,40}(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?"
)


def resolve_plain(text: str) -> Scalar:
    """Return the value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _START:
        return text
    if _INT.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        number = float(text.replace("_", ""))
        return text if number in (float("inf"), float("-inf")) else number
    if _HEX.fullmatch(text):
        return int(text.replace("_", ""), 16)
    return text


def plain_text(value: object) -> str:
    """Return a scalar as the text that a property of type string takes it for (`true`, `3`, `1.5`)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
