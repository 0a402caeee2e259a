"""Values to YAML in block style, quoting as little as possible."""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.printing import CONTAINER_COST, MAX_DATA_DEPTH, Entry, java_text, scalar_text

if TYPE_CHECKING:
    from engine.expression.state import Run

_RESERVED = frozenset(
    {
        *("false", "False", "FALSE", "true", "True", "TRUE", "null", "Null", "NULL", "~"),
        *("n", "N", "no", "No", "NO", "y", "Y", "yes", "Yes", "YES"),
        *("off", "Off", "OFF", "on", "On", "ON"),
    }
)
_LEADING = frozenset("-?:,[]{}#&*!|>'\"%@`")


def write_yaml(run: Run, value: Any) -> str:
    """Return the value as a YAML document that ends with a new line.

    Raises:
        Failure: If it nests too deep or is of no kind that YAML knows.
    """
    out: list[str] = []
    _write(run, value, out, 0, 0)
    run.grow(sum(map(len, out)))
    text = "".join(out)
    return text if text.endswith("\n") else text + "\n"


def _write(run: Run, value: Any, out: list[str], indent: int, depth: int) -> None:
    """Write a value behind what is there: a scalar on the same line, lines of a collection from the next one on."""
    run.charge(CONTAINER_COST)
    if depth > MAX_DATA_DEPTH:
        raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
    if isinstance(value, Entry):
        value = {value.key: value.value}
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            out.append(" " * indent + _key(java_text(run, key)) + ":")
            _nested(run, each, out, indent if isinstance(each, (list, tuple)) else indent + 2, depth)
    elif isinstance(value, (list, tuple)) and value:
        for each in value:
            out.append(" " * indent + " -")
            _nested(run, each, out, indent + 2, depth)
    else:
        out.append(_scalar(run, value, indent) + "\n")


def _nested(run: Run, value: Any, out: list[str], indent: int, depth: int) -> None:
    collection = isinstance(value, (Mapping, list, tuple, Entry)) and (isinstance(value, Entry) or len(value) > 0)
    out.append("\n" if collection else " ")
    _write(run, value, out, indent, depth + 1)


def _scalar(run: Run, value: Any, indent: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    if not isinstance(value, str):
        return scalar_text(run, value)
    run.grow(len(value))
    if "\n" in value and value.isprintable() is False and not value.startswith((" ", "\n")):
        return _literal(value, max(indent, 2))
    return _quoted(value) if _needs_quotes(value) else value


def _literal(text: str, indent: int) -> str:
    """Return a text of several lines in literal style."""
    body = text.rstrip("\n")
    chomping = "-" if not text.endswith("\n") else "" if text == body + "\n" else "+"
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        return _quoted(text)
    lines = text.removesuffix("\n").split("\n")
    return f"|{chomping}\n" + "\n".join(" " * indent + line if line else line for line in lines)


def _needs_quotes(text: str) -> bool:
    if not text or text in _RESERVED or text != text.strip() or not text.isprintable():
        return True
    if text[0] in _LEADING and not (text[0] in "-?:" and len(text) > 1 and text[1] not in " \t"):
        return True
    return any(character in text for character in "[]{},") or ": " in text or text.endswith(":") or " #" in text


def _quoted(text: str) -> str:
    return encode_basestring(text)


def _key(text: str) -> str:
    return _quoted(text) if _needs_quotes(text) or text[:1].isdigit() else text
