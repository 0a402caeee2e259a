"""Values to ION's text form: `{name:"x",count:1,ratio:1.5e0}`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.numbers import number_text
from engine.expression.printing import CONTAINER_COST, MAX_DATA_DEPTH, Entry, java_text, scalar_text

if TYPE_CHECKING:
    from engine.expression.state import Run

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\0": "\\0",
    "\b": "\\b",
    "\f": "\\f",
    "\x07": "\\a",
    "\x0b": "\\v",
}
_KEYWORDS = frozenset({"null", "true", "false", "nan"})


def write_ion(run: Run, value: Any) -> str:
    """Return the value as ION text; entries that are null stay.

    Raises:
        Failure: If it nests too deep or is of no kind that ION knows.
    """
    out: list[str] = []
    _write(run, value, out, 0)
    run.grow(sum(map(len, out)))
    return "".join(out)


def _write(run: Run, value: Any, out: list[str], depth: int) -> None:
    run.charge(CONTAINER_COST)
    if depth > MAX_DATA_DEPTH:
        raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
    if value is None:
        out.append("null")
    elif isinstance(value, str):
        run.grow(len(value))
        out.append(_quoted(value))
    elif isinstance(value, bool):
        out.append("true" if value else "false")
    elif isinstance(value, float):
        out.append(_float(value))
    elif isinstance(value, Decimal):
        text = str(value)
        out.append(text.replace("E", "d") if "." in text or "E" in text else text + ".")
    elif isinstance(value, int):
        out.append(scalar_text(run, value))
    elif isinstance(value, Entry):
        _map(run, [(value.key, value.value)], out, depth)
    elif isinstance(value, Mapping):
        _map(run, list(value.items()), out, depth)
    elif isinstance(value, (list, tuple)):
        out.append("[")
        for index, each in enumerate(value):
            out.append("," if index else "")
            _write(run, each, out, depth + 1)
        out.append("]")
    elif isinstance(value, date):
        out.append(f"{type(value).__name__}::{_quoted(value.isoformat())}")
    else:
        out.append(_quoted(scalar_text(run, value)))


def _map(run: Run, items: list[tuple[Any, Any]], out: list[str], depth: int) -> None:
    out.append("{")
    for index, (key, each) in enumerate(items):
        out.append("," if index else "")
        out.append(_symbol(java_text(run, key)) + ":")
        _write(run, each, out, depth + 1)
    out.append("}")


def _float(value: float) -> str:
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "+inf" if value > 0 else "-inf"
    text = number_text(float(value))
    mantissa, _, exponent = text.partition("E")
    return f"{mantissa.removesuffix('.0') if not exponent else mantissa}e{exponent or '0'}"


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{ord(character):02x}" if character < " " or character == "\x7f" else character


def _symbol(text: str) -> str:
    plain = text and (text[0].isalpha() or text[0] in "_$") and all(c.isalnum() or c in "_$" for c in text)
    if plain and text.isascii() and text not in _KEYWORDS and not (text[0] == "$" and text[1:].isdigit()):
        return text
    return "'" + "".join("\\'" if c == "'" else '"' if c == '"' else _escaped(c) for c in text) + "'"
