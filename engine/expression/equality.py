"""When two values are equal: Java's `equals` for what lies in collections, widened numbers for `==`.

Java doesn't think the Integer 2 equal to the Long 2, so `[1, 2] contains vars.two` is false for numbers of different
kinds; `==` compares their values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from engine.expression.errors import Failure
from engine.expression.numbers import class_name, is_number

MAX_COMPARED_DEPTH = 60


class Counter(Protocol):
    """The part of a run that comparing needs."""

    def charge(self, steps: int) -> None:
        """Take steps from the budget."""


def java_equals(run: Counter, left: Any, right: Any, depth: int = 0) -> bool:
    """True if Java's `equals` would say so; numbers must be of the same kind."""
    run.charge(4)
    if depth > MAX_COMPARED_DEPTH:
        raise Failure(f"Values nested deeper than {MAX_COMPARED_DEPTH} can't be compared")
    if left is None or right is None:
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        run.charge(min(len(left), len(right)) >> 10)
        return str(left) == str(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right) and class_name(left) == class_name(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if len(left) != len(right):
            return False
        return all(key in right and java_equals(run, left[key], right[key], depth + 1) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        if len(left) != len(right):
            return False
        return all(java_equals(run, a, b, depth + 1) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)


def loosely_equals(run: Counter, left: Any, right: Any) -> bool:
    """True if `left == right` is: numbers by value, everything else as Java compares it."""
    if is_number(left) and is_number(right):
        return to_double(left) == to_double(right)
    return java_equals(run, left, right)


def to_double(value: int | float | Decimal) -> float:
    """Return a number as a double, infinite if it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def contains(run: Counter, items: Iterable[Any], item: Any) -> bool:
    """True if one of the items equals the item."""
    return any(java_equals(run, each, item) for each in items)


def index_of(run: Counter, items: Iterable[Any], item: Any) -> int:
    """Return the index of the first equal item, -1 if there is none."""
    return next((index for index, each in enumerate(items) if java_equals(run, each, item)), -1)
