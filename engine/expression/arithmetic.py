"""Operators on values with Java's arithmetic: whole numbers divide to whole numbers and wrap around at 64 bits.

Owns the rules for values; evaluating operands and saying where something failed is `operations.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from engine.expression.equality import contains, java_equals, loosely_equals, to_double
from engine.expression.errors import Failure, quoted
from engine.expression.numbers import INTEGER_MAX, LONG_MAX, Float, Long, is_number, to_float, wrap_integer, wrap_long
from engine.expression.patterns import full_match
from engine.expression.printing import java_text, to_text
from engine.values import Dialect

if TYPE_CHECKING:
    from engine.expression.state import Run

_DECIMAL = Context(prec=34, Emin=-6000, Emax=6000)


def _truncated_division(left: int, right: int) -> int:
    if right == 0:
        raise Failure("Division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise Failure("Division by zero")
    return int(math.copysign(1, left)) * (abs(left) % abs(right))


def _double_division(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _double_remainder(left: float, right: float) -> float:
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


_WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _truncated_division,
    "%": _remainder,
}
_DOUBLE: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _double_division,
    "%": _double_remainder,
}
_EXACT: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _DECIMAL.add,
    "-": _DECIMAL.subtract,
    "*": _DECIMAL.multiply,
    "/": _DECIMAL.divide,
    "%": _DECIMAL.remainder,
}


def _number(run: Run, value: Any, operator: str) -> int | float | Decimal:
    if is_number(value):
        number: int | float | Decimal = value
        return number
    if isinstance(value, str) and run.template.dialect is Dialect.V2:
        try:
            if len(value) < 400 and any(c in value for c in ".eE"):
                return float(value)
            if len(value) < 20:
                return wrap_long(int(value))
        except ValueError:
            pass
    shown = "null" if value is None else quoted(to_text(run, value))
    raise Failure(f"Expected a number on both sides of '{operator}', but got {shown}")


def calculate(run: Run, operator: str, left: Any, right: Any) -> Any:
    """Return `left operator right` for one of `+ - * / %`.

    Raises:
        Failure: If a side is no number (text counts as one in 2.x), or a whole number is divided by zero.
    """
    a, b = _number(run, left, operator), _number(run, right, operator)
    kinds = {type(a), type(b)}
    if Decimal in kinds:
        try:
            exact = [each if isinstance(each, Decimal) else Decimal(repr(to_double(each))) for each in (a, b)]
            return _EXACT[operator](*exact)
        except DecimalException as error:
            raise Failure(f"'{operator}' has no result for these numbers") from error
    if float in kinds:
        return _floating(operator, to_double(a), to_double(b))
    if Float in kinds:
        return to_float(_floating(operator, float(to_float(to_double(a))), float(to_float(to_double(b)))))
    assert isinstance(a, int) and isinstance(b, int)
    if Long in kinds or not (-INTEGER_MAX - 1 <= a <= INTEGER_MAX and -INTEGER_MAX - 1 <= b <= INTEGER_MAX):
        return wrap_long(_WHOLE[operator](_clip(a), _clip(b)))
    return Long(wrap_integer(_WHOLE[operator](a, b)))


def _clip(value: int) -> int:
    return value if -LONG_MAX - 1 <= value <= LONG_MAX else wrap_long(value)


def _floating(operator: str, left: float, right: float) -> float:
    try:
        return _DOUBLE[operator](left, right)
    except OverflowError:
        return math.inf


def add(run: Run, left: Any, right: Any) -> Any:
    """Return `left + right`: a text on either side joins texts, a list takes the other side in, numbers add."""
    if isinstance(left, str) or isinstance(right, str):
        a, b = java_text(run, left), java_text(run, right)
        run.grow(len(a) + len(b))
        return a + b
    if isinstance(left, (list, tuple)):
        run.fill(len(left) + (len(right) if isinstance(right, (list, tuple)) else 1))
        return [*left, *right] if isinstance(right, (list, tuple)) else [*left, right]
    return calculate(run, "+", left, right)


def subtract(run: Run, left: Any, right: Any) -> Any:
    """Return `left - right`; from a list, whatever equals the other side (or one of its elements) is taken out."""
    if isinstance(left, (list, tuple)):
        run.fill(len(left))
        if isinstance(right, (list, tuple)):
            return [each for each in left if not contains(run, right, each)]
        found = next((index for index, each in enumerate(left) if java_equals(run, each, right)), len(left))
        return [*left[:found], *left[found + 1 :]]
    return calculate(run, "-", left, right)


def compare(run: Run, operator: str, left: Any, right: Any) -> bool:
    """Return `left < right` and its kin; null on a side is false, texts compare in 2.x only.

    Raises:
        Failure: If the sides can't be compared.
    """
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str) and run.template.dialect is Dialect.V2:
        order = (left > right) - (left < right)
    elif is_number(left) and is_number(right):
        a, b = to_double(left), to_double(right)
        if a != a or b != b:
            return False
        order = (a > b) - (a < b)
    else:
        shown = " and ".join(quoted(java_text(run, each)) for each in (left, right))
        raise Failure(f"'{operator}' compares numbers, but got {shown}")
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def is_in(run: Run, left: Any, right: Any) -> bool:
    """Return `left isIn right`: compared as texts with elements, or with keys and values of a map."""
    if right is None:
        return False
    wanted = java_text(run, left)
    if isinstance(right, Mapping):
        return any(java_text(run, each) == wanted for pair in right.items() for each in pair)
    if isinstance(right, (list, tuple)):
        return any(java_text(run, each) == wanted for each in right)
    raise Failure("'isIn' needs a list or a map on its right side")


def holds(run: Run, left: Any, right: Any) -> bool:
    """Return `left contains right`: element or all elements of a list, key of a map, part of a text."""
    if left is None:
        return False
    if isinstance(left, str):
        return java_text(run, right) in left
    if isinstance(left, Mapping):
        return any(java_equals(run, key, right) for key in left) if not isinstance(right, str) else right in left
    if isinstance(left, (list, tuple)):
        if isinstance(right, (list, tuple)):
            return all(contains(run, left, each) for each in right)
        return contains(run, left, right)
    raise Failure(f"'contains' looks into lists, maps and texts, but got {quoted(java_text(run, left))}")


def matches(run: Run, left: Any, right: Any) -> bool:
    """Return `left matches right`: true if the whole text fits the regular expression."""
    if left is None or right is None:
        return False
    return full_match(run, java_text(run, right), java_text(run, left))


OPERATORS: dict[str, Callable[..., Any]] = {
    "-": subtract,
    "*": lambda run, left, right: calculate(run, "*", left, right),
    "/": lambda run, left, right: calculate(run, "/", left, right),
    "%": lambda run, left, right: calculate(run, "%", left, right),
    "==": loosely_equals,
    "!=": lambda run, left, right: not loosely_equals(run, left, right),
    "<": lambda run, left, right: compare(run, "<", left, right),
    "<=": lambda run, left, right: compare(run, "<=", left, right),
    ">": lambda run, left, right: compare(run, ">", left, right),
    ">=": lambda run, left, right: compare(run, ">=", left, right),
    "isIn": is_in,
    "contains": holds,
    "matches": matches,
}
"""Operators with two operands that both are always evaluated; `..` is the function `range`."""
