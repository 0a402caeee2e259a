"""Java's numbers: their kinds, their wrapping, and how they are printed.

A plain `int` is an Integer, Long or BigInteger by its size (as a JSON reader would make it), a plain `float` a Double.
The subclasses here mark values whose kind their size doesn't tell. Doesn't own arithmetic (`operators.py`).
"""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

INTEGER_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1


class Long(int):
    """A Java long whatever its size: every whole number written in a template or computed by one."""

    __slots__ = ()


class BigInteger(int):
    """A whole number without bounds, asked for by name."""

    __slots__ = ()


class Float(float):
    """A 32-bit number; its value is always exactly representable in 32 bits."""

    __slots__ = ()


def to_float(value: float) -> Float:
    """Return the nearest 32-bit number (infinite if too large)."""
    try:
        return Float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return Float("inf") if value > 0 else Float("-inf")


def wrap_long(value: int) -> Long:
    """Return the value as 64 bits hold it, overflow wrapping around."""
    if -LONG_MAX - 1 <= value <= LONG_MAX:
        return Long(value)
    return Long((value + LONG_MAX + 1) % 2**64 - LONG_MAX - 1)


def wrap_integer(value: int) -> int:
    """Return the value as 32 bits hold it, overflow wrapping around."""
    if -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
        return int(value)
    return (int(value) + INTEGER_MAX + 1) % 2**32 - INTEGER_MAX - 1


def class_name(value: Any) -> str:
    """Return the Java class that a value would have."""
    kind = type(value)
    if kind is bool:
        return "java.lang.Boolean"
    if kind is int:
        if -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            return "java.lang.Integer"
        return "java.lang.Long" if -LONG_MAX - 1 <= value <= LONG_MAX else "java.math.BigInteger"
    named = {
        Long: "java.lang.Long",
        BigInteger: "java.math.BigInteger",
        Float: "java.lang.Float",
        float: "java.lang.Double",
        Decimal: "java.math.BigDecimal",
        str: "java.lang.String",
        list: "java.util.ArrayList",
        tuple: "java.util.ArrayList",
    }
    return named.get(kind, "java.util.LinkedHashMap")


def is_number(value: Any) -> bool:
    """True for a Java Number; booleans are none."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def number_text(value: int | float | Decimal) -> str:
    """Return a number as Java prints it."""
    if isinstance(value, Float):
        return _float_text(value, _shortest_32(value))
    if isinstance(value, float):
        return _float_text(value, repr(value))
    if isinstance(value, Decimal):
        return str(value)
    return int.__repr__(value)


def _shortest_32(value: float) -> str:
    """Return the shortest digits that read back as the same 32-bit number."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if to_float(float(text)) == value:
            return text
    return repr(value)


def _float_text(value: float, shortest: str) -> str:
    """Lay out shortest digits the way Java does: plain between 1e-3 and 1e7, otherwise `d.dddE±n`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    minus = "-" if sign else ""
    if value == 0:
        return minus + "0.0"
    scale = len(digits) + exponent - 1
    if 1e-3 <= abs(value) < 1e7:
        point = scale + 1
        if point <= 0:
            return f"{minus}0.{'0' * -point}{text}"
        return f"{minus}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"
    return f"{minus}{text[0]}.{text[1:] or '0'}E{scale}"
