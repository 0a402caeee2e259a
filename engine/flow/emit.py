"""JSON values to YAML text, for the few places where a flow's text is written by us. Owns quoting, not comments."""

from __future__ import annotations

import json
import re
from typing import Any

from engine.flow.scalars import resolve_plain

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ ()+=$@^~-]*")
_BLOCK = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\t\r]*")


def emit_inline(value: Any) -> str:
    """Return a value on one line, in JSON, which is YAML too; short harmless texts stand unquoted."""
    if isinstance(value, str) and is_plain(value):
        return value
    if isinstance(value, str):
        # JSON leaves these as they are, but YAML reads them as line breaks or refuses them.
        return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff]", _escape, json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_quoted(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return json.dumps(value)


def _quoted(value: Any) -> str:
    """Inside of flow style every text is quoted: a comma or brace in it would end it."""
    return emit_inline(value) if not isinstance(value, str) else _key(value)


def _key(text: str) -> str:
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff]", _escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def is_plain(text: str) -> bool:
    """Return whether a text means itself when it stands unquoted."""
    if not _PLAIN.fullmatch(text) or text != text.strip() or len(text) > 200:
        return False
    return resolve_plain(text) == text and not text.startswith(("---", "..."))


def emit_block(value: Any, indent: int) -> str:
    """Return what stands behind `key:`, its leading space or line break included, without a line break at the end.

    Args:
        value: A JSON value.
        indent: Column of the key.
    """
    if isinstance(value, dict) and value:
        return "\n" + "\n".join(_entries(value, indent + 2))
    if isinstance(value, list) and value:
        return "\n" + "\n".join(_items(value, indent + 2))
    if isinstance(value, str) and _fits_block(value):
        body = value.removesuffix("\n")
        chomp = "" if value.endswith("\n") else "-"
        pad = " " * (indent + 2)
        return f" |{chomp}\n" + "\n".join(pad + line if line else "" for line in body.split("\n"))
    return " " + emit_inline(value)


def _fits_block(text: str) -> bool:
    """Return whether a text can be a literal block as it is: several lines, none of them hard to see."""
    body = text.removesuffix("\n")
    if "\n" not in body or not _BLOCK.fullmatch(text) or body.endswith("\n") or body.startswith(("\n", " ")):
        return False
    return not any(line.endswith(" ") for line in body.split("\n"))


def _entries(value: dict[str, Any], column: int) -> list[str]:
    pad = " " * column
    return [f"{pad}{emit_key(key)}:{emit_block(inner, column)}" for key, inner in value.items()]


def _items(value: list[Any], column: int) -> list[str]:
    return [" " * column + "- " + emit_item(inner, column).lstrip(" ") for inner in value]


def emit_item(value: Any, column: int) -> str:
    """Return what stands behind the dash of a list item whose dash is in `column`."""
    if isinstance(value, dict) and value:
        return "\n".join(_entries(value, column + 2)).lstrip(" ")
    if isinstance(value, list) and value:
        return "\n".join(_items(value, column + 2)).lstrip(" ")
    return emit_block(value, column).lstrip(" ") if isinstance(value, str) else emit_inline(value)


def emit_key(key: str) -> str:
    """Return a key, quoted if need be."""
    return key if is_plain(key) and " " not in key else _key(key)
