"""Filters on numbers."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure, quoted
from engine.expression.filters.decimal_format import format_decimal
from engine.expression.filters.string_format import format_text
from engine.expression.filters.texts import text_of
from engine.expression.numbers import INTEGER_MAX, LONG_MAX, BigInteger, Float, Long, is_number, to_float
from engine.expression.printing import java_text
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()
MAX_DIGITS = 1000
"""Longest text that may be a number."""


@FILTERS.add("abs")
def _abs(run: Run, value: Any) -> Any:
    if not is_number(value):
        raise Failure("expected a number")
    made = abs(value)
    return type(value)(made) if type(value) in (Long, BigInteger, Float) else made


@FILTERS.add("number", "type")
def _number(run: Run, value: Any, kind: Any = None) -> Any:
    if value is None:
        return None
    text = text_of(value)
    if len(text) > MAX_DIGITS:
        raise Failure(f"a text of more than {MAX_DIGITS} characters is no number")
    try:
        return _typed(text, kind if isinstance(kind, str) else "")
    except (ValueError, InvalidOperation, OverflowError):
        raise Failure(f"{quoted(text)} is no number{f' of the type {kind}' if kind else ''}") from None


def _typed(text: str, kind: str) -> Any:
    match kind:
        case "INT":
            return _bounded(_decoded(text), INTEGER_MAX)
        case "LONG":
            return Long(_bounded(_decoded(text), LONG_MAX))
        case "FLOAT":
            return to_float(_floating(text))
        case "DOUBLE":
            return _floating(text)
        case "BIGDECIMAL":
            return _exact(text)
        case "BIGINTEGER":
            return BigInteger(_decoded(text))
    return _best(text)


def _bounded(value: int, most: int) -> int:
    if not -most - 1 <= value <= most:
        raise ValueError
    return value


def _decoded(text: str) -> int:
    """Read a whole number as Java decodes it: `0x`, `#` and a leading `0` choose the base."""
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("+", text)
    base = 10
    for prefix, other in (("0x", 16), ("0X", 16), ("#", 16)):
        if digits.startswith(prefix):
            digits, base = digits[len(prefix) :], other
    if base == 10 and len(digits) > 1 and digits.startswith("0"):
        digits, base = digits[1:], 8
    if not digits.isalnum() or not digits.isascii():
        raise ValueError
    value = int(digits, base)
    return -value if sign == "-" else value


def _floating(text: str) -> float:
    stripped = text.strip()
    if "_" in stripped or stripped.lower().lstrip("+-") in ("inf", "infinity", "nan"):
        raise ValueError
    return float(stripped)


def _exact(text: str) -> Decimal:
    if "_" in text or text.strip() != text or not any(character.isdigit() for character in text):
        raise ValueError
    value = Decimal(text)
    if abs(value.adjusted()) > 5000:
        raise ValueError
    return value


def _best(text: str) -> Any:
    """Return the smallest kind that holds the number: Integer, Long, BigInteger; Float, Double, BigDecimal."""
    lowered = text.lower()
    hexadecimal = lowered.lstrip("+-").startswith(("0x", "#"))
    if not hexadecimal and lowered[-1:] in ("l", "f", "d"):
        kind = {"l": "LONG", "f": "FLOAT", "d": "DOUBLE"}[lowered[-1]]
        return _typed(text[:-1], kind)
    if hexadecimal or not any(character in lowered for character in ".e"):
        return _decoded(text)
    decimals = len(lowered.partition("e")[0].partition(".")[2])
    value = _floating(text)
    if decimals <= 7:
        single = to_float(value)
        if abs(single) != float("inf") and (float(single) != 0 or value == 0):
            return single
    return value if decimals <= 16 and abs(value) != float("inf") else _exact(text)


@FILTERS.add("numberFormat", "format")
def _number_format(run: Run, value: Any, pattern: Any = None) -> Any:
    if value is None:
        return None
    if not is_number(value):
        raise Failure("expected a number")
    return format_decimal(value, "#,##0.###" if pattern is None else text_of(pattern))


def _format(run: Run, value: Any, *arguments: Any) -> Any:
    return None if value is None else format_text(run, java_text(run, value), arguments)


FILTERS.add_variadic("format")(_format)
