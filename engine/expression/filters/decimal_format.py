"""Numbers by Java's DecimalFormat patterns: `#,##0.00`, `0.###E0`, `#%`, a part for negative numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

from engine.expression.errors import Failure

MAX_PATTERN = 100
_WIDE = Context(prec=800, rounding=ROUND_HALF_EVEN)
_DOWN = Context(prec=800, rounding=ROUND_DOWN)


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
    point: bool = False
    """True if the point is shown without anything behind it too."""


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
    number = _Number(value, layout.scale)
    if number.digits.is_infinite():
        text = "∞"
    elif number.digits and number.digits.adjusted() > 500:
        raise Failure("a number with more than 500 digits can't be formatted")
    else:
        text = _scientific(number, layout) if layout.exponent else _plain(number, layout)
    below = number.below
    if below and negative:
        other = _layout(negative)
        return other.prefix + text + other.suffix
    return ("-" if below else "") + layout.prefix + text + layout.suffix


class _Number:
    """The absolute value of what is formatted: its shortest digits, and what it is exactly.

    Doubles are multiplied for percents as doubles are. Only a half that is one in the shortest digits alone is decided
    by the exact value.
    """

    __slots__ = ("below", "digits", "exact")

    def __init__(self, value: int | float | Decimal, scale: int) -> None:
        if isinstance(value, float):
            value = float(value) * 10.0**scale
            self.exact = Decimal(value)
            self.digits = Decimal(repr(value))
        else:
            self.exact = self.digits = Decimal(value).scaleb(scale, context=_WIDE)
        self.below = self.exact.is_signed()
        self.exact, self.digits = self.exact.copy_abs(), self.digits.copy_abs()

    def rounded(self, places: int) -> Decimal:
        """Return the number with this many digits behind the point, which may be negative."""
        unit = Decimal((0, (1,), -places))
        down = self.digits.quantize(unit, context=_DOWN)
        half = _WIDE.subtract(self.digits, down) == unit / 2
        return (self.exact if half else self.digits).quantize(unit, context=_WIDE)


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
    layout.point = bool(point) and (not integer or not fraction)
    if point and "0" not in digits:
        # A pattern without a zero has one all the same: before the point if something stands there, else behind it.
        layout.integer_least = 1 if integer else 0
        layout.fraction_least = 0 if integer else 1


def _plain(number: _Number, layout: _Layout) -> str:
    integer, _, fraction = f"{number.rounded(layout.fraction_most):f}".partition(".")
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
    return integer + ("." if fraction or layout.point else "") + fraction


def _scientific(number: _Number, layout: _Layout) -> str:
    """Lay out as many significant digits as the pattern has places, its integer places being a step of the exponent."""
    most, least = layout.integer_places, layout.integer_least
    rounded = (
        number.rounded(most + layout.fraction_most - number.digits.adjusted() - 1) if number.digits else Decimal(0)
    )
    digits = "".join(map(str, rounded.as_tuple().digits)).rstrip("0") if rounded else ""
    before = rounded.adjusted() + 1 if rounded else 0
    exponent = 0
    if rounded and most > 1 and most > least:
        exponent = (before - 1) // most * most
        least = 1
    elif rounded:
        exponent = before - least
    point = before - exponent if rounded else least
    digits = digits.ljust(max(least + layout.fraction_least, point), "0")
    text = digits[:point] + ("." if digits[point:] or layout.point else "") + digits[point:]
    return f"{text}E{'-' if exponent < 0 else ''}{str(abs(exponent)).zfill(layout.exponent)}"
