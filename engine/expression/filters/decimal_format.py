"""Numbers by Java's DecimalFormat patterns: `#,##0.00`, `0.###E0`, `#%`, a part for negative numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from engine.expression.errors import Failure

MAX_PATTERN = 100
_WIDE = Context(prec=800, rounding=ROUND_HALF_EVEN)


@dataclass(slots=True)
class _Layout:
    """One half of a pattern, taken apart."""

    prefix: str = ""
    suffix: str = ""
    integer_least: int = 0
    integer_places: int = 0
    fraction_least: int = 0
    fraction_most: int = 0
    grouping: int = 0
    exponent: int = 0
    scale: int = 0


def format_decimal(value: int | float | Decimal, pattern: str) -> str:
    """Return the number laid out by a pattern, halves rounded to even.

    Raises:
        Failure: If the pattern isn't one, or the number is too large to be written out.
    """
    if len(pattern) > MAX_PATTERN:
        raise Failure(f"a number format of more than {MAX_PATTERN} characters")
    if isinstance(value, float) and value != value:
        return "NaN"
    positive, _, negative = _halves(pattern)
    layout = _layout(positive)
    number = Decimal(value) if not isinstance(value, Decimal) else value
    if number.is_infinite():
        text = "∞"
    elif number and number.adjusted() > 500:
        raise Failure("a number with more than 500 digits can't be formatted")
    else:
        text = _scientific(abs(number), layout) if layout.exponent else _plain(abs(number), layout)
    below = number.is_signed() and any(digit in text for digit in "123456789∞")
    if below and negative:
        other = _layout(negative)
        return other.prefix + text + other.suffix
    return ("-" if below else "") + layout.prefix + text + layout.suffix


def _halves(pattern: str) -> tuple[str, str, str]:
    quoted = False
    for at, character in enumerate(pattern):
        if character == "'":
            quoted = not quoted
        elif character == ";" and not quoted:
            return pattern[:at], ";", pattern[at + 1 :]
    return pattern, "", ""


def _layout(pattern: str) -> _Layout:
    layout = _Layout()
    at = _affix(pattern, 0, layout, before=True)
    digits_end = at
    while digits_end < len(pattern) and pattern[digits_end] in "#0,.":
        digits_end += 1
    _digits(pattern[at:digits_end], layout)
    if pattern.startswith("E", digits_end):
        end = digits_end + 1
        while end < len(pattern) and pattern[end] == "0":
            end += 1
        layout.exponent = end - digits_end - 1
        if not layout.exponent:
            raise Failure(f"'{pattern}' is no number format")
        digits_end = end
    end = _affix(pattern, digits_end, layout, before=False)
    if end != len(pattern):
        raise Failure(f"'{pattern}' is no number format")
    return layout


def _affix(pattern: str, at: int, layout: _Layout, before: bool) -> int:
    out: list[str] = []
    quoted = False
    while at < len(pattern):
        character = pattern[at]
        if character == "'":
            if pattern.startswith("''", at):
                out.append("'")
                at += 1
            else:
                quoted = not quoted
        elif not quoted and character in "#0,.":
            if not before:
                raise Failure(f"'{pattern}' is no number format")
            break
        else:
            if not quoted and character in "%‰":
                layout.scale = 2 if character == "%" else 3
            out.append("$" if not quoted and character == "¤" else character)
        at += 1
    if before:
        layout.prefix = "".join(out)
    else:
        layout.suffix = "".join(out)
    return at


def _digits(digits: str, layout: _Layout) -> None:
    integer, point, fraction = digits.partition(".")
    if "." in fraction or "," in fraction or "0#" in integer.replace(",", "") or "#0" in fraction:
        raise Failure(f"'{digits}' is no number format")
    groups = integer.split(",")
    layout.grouping = len(groups[-1]) if len(groups) > 1 else 0
    if len(groups) > 1 and not groups[-1]:
        raise Failure(f"'{digits}' is no number format")
    layout.integer_least = integer.count("0")
    layout.integer_places = len(integer.replace(",", ""))
    layout.fraction_least = fraction.count("0")
    layout.fraction_most = len(fraction)
    if not point and not layout.integer_least and not layout.exponent:
        layout.integer_least = 1 if integer.replace(",", "").replace("#", "") else 0


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), context=_WIDE)


def _plain(number: Decimal, layout: _Layout) -> str:
    rounded = _rounded(number.scaleb(layout.scale, context=_WIDE), layout.fraction_most)
    integer, _, fraction = f"{rounded:f}".partition(".")
    integer = integer.lstrip("0").rjust(layout.integer_least, "0")
    while len(fraction) > layout.fraction_least and fraction.endswith("0"):
        fraction = fraction[:-1]
    if not integer and not fraction:
        integer = "0"
    if layout.grouping:
        size = layout.grouping
        groups: list[str] = []
        while len(integer) > size:
            groups.insert(0, integer[-size:])
            integer = integer[:-size]
        integer = ",".join([integer, *groups])
    return integer + ("." + fraction if fraction else "")


def _scientific(number: Decimal, layout: _Layout) -> str:
    number = number.scaleb(layout.scale, context=_WIDE)
    exponent = number.adjusted() if number else 0
    if layout.integer_places > layout.integer_least and layout.integer_places > 1:
        exponent -= exponent % layout.integer_places
        places = layout.integer_least + layout.fraction_most - (number.adjusted() - exponent) - 1 if number else 0
    else:
        exponent -= layout.integer_least - 1 if layout.integer_least else -1
        places = layout.fraction_most
    mantissa = _rounded(number.scaleb(-exponent, context=_WIDE), max(places, 0))
    integer, _, fraction = f"{mantissa:f}".partition(".")
    while len(fraction) > layout.fraction_least and fraction.endswith("0"):
        fraction = fraction[:-1]
    text = integer.lstrip("0").rjust(layout.integer_least, "0") + ("." + fraction if fraction else "")
    return f"{text}E{'-' if exponent < 0 else ''}{str(abs(exponent)).zfill(layout.exponent)}"
