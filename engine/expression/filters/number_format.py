"""The digits of numbers as Java's `String.format` writes them, without sign.

Owns rounding: the shortest digits that mean the number are rounded half up, not the binary value half to even.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

Number = float | Decimal


def _decimal(value: Number) -> Decimal | str:
    """Return the absolute value as shortest digits, or the name of what has none."""
    if isinstance(value, Decimal):
        return value.copy_abs()
    if value != value:
        return "NaN"
    number = Decimal(repr(float(value))).copy_abs()
    return number if number.is_finite() else "Infinity"


def _rounded(number: Decimal, exponent: int) -> Decimal:
    """Return the number as a multiple of a power of ten."""
    context = Context(prec=max(number.adjusted() - exponent, 0) + 3, rounding=ROUND_HALF_UP)
    return number.quantize(Decimal((0, (1,), exponent)), context=context)


def fixed(value: Number, places: int) -> str:
    """Return a number with this many digits behind the point: `%.2f`."""
    number = _decimal(value)
    return number if isinstance(number, str) else f"{_rounded(number, -places):f}"


def scientific(value: Number, places: int) -> str:
    """Return a number as digits and a power of ten: `%.2e`."""
    number = _decimal(value)
    if isinstance(number, str):
        return number
    rounded = _rounded(number, number.adjusted() - places) if number else number
    digits = "".join(map(str, rounded.as_tuple().digits))[: places + 1].ljust(places + 1, "0")
    power = rounded.adjusted() if rounded else 0
    mantissa = f"{digits[0]}.{digits[1:]}" if places else digits[0]
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def general(value: Number, digits: int) -> str:
    """Return a number with this many significant digits, as a power of ten if it is small or large: `%.3g`."""
    number = _decimal(value)
    if isinstance(number, str):
        return number
    digits = digits or 1
    rounded = _rounded(number, number.adjusted() - digits + 1) if number else number
    power = rounded.adjusted() if rounded else 0
    return fixed(value, digits - power - 1) if -4 <= power < digits else scientific(value, digits - 1)


def with_commas(text: str) -> str:
    """Return digits with a comma after every third before the point."""
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdigit() else text
