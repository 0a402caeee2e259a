"""jq's view of values: their kinds, their order, their arithmetic.

Booleans aren't numbers here, unlike in Python; every comparison goes through `compare`.
"""

from __future__ import annotations

import math
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure, quoted
from engine.expression.printing import to_json

if TYPE_CHECKING:
    from engine.expression.state import Run

MAX_DEPTH = 60


class JqError(Exception):
    """An error that `try` can catch; carries the value that `catch` gets."""

    def __init__(self, value: Any) -> None:
        super().__init__(value if isinstance(value, str) else "an error that isn't a text")
        self.value = value


class BreakError(Exception):
    """`break $name` on its way to its `label`."""

    def __init__(self, mark: object) -> None:
        super().__init__("break")
        self.mark = mark


def kind(value: Any) -> str:
    """Return the kind of a value by jq's name."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def is_number(value: Any) -> bool:
    """True for numbers, false for booleans."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def truthy(value: Any) -> bool:
    """True for everything but null and false."""
    return value is not None and value is not False


def shown(run: Run, value: Any) -> str:
    """Return a value as error messages show it."""
    return quoted(to_json(run, value))


_RANK = {"null": 0, "boolean": 1, "number": 3, "string": 4, "array": 5, "object": 6}


def compare(run: Run, left: Any, right: Any, depth: int = 0) -> int:
    """Return -1, 0 or 1: null, false, true, numbers, texts, lists, maps, in this order."""
    run.charge(1)
    if depth > MAX_DEPTH:
        raise Failure(f"values nested deeper than {MAX_DEPTH}")
    rank = _RANK[kind(left)] - _RANK[kind(right)]
    if rank:
        return -1 if rank < 0 else 1
    if isinstance(left, dict):
        a, b = sorted(left), sorted(right)
        if a != b:
            return -1 if a < b else 1
        left, right = [left[key] for key in a], [right[key] for key in b]
    if isinstance(left, list):
        for a, b in zip(left, right, strict=False):
            if order := compare(run, a, b, depth + 1):
                return order
        return (len(left) > len(right)) - (len(left) < len(right))
    if left is None:
        return 0
    if left != left:
        return -1
    return int(left > right) - int(left < right)


def sort_key(run: Run) -> Any:
    """Return what `sorted` wants as key."""
    return cmp_to_key(lambda left, right: compare(run, left, right))


def number(value: float) -> int | float:
    """Return a result of floating arithmetic: a whole number where it is one."""
    if value == value and abs(value) < 2**63 and value == int(value):
        return int(value)
    return value


def arithmetic(run: Run, operator: str, left: Any, right: Any) -> Any:
    """Return `left operator right` for `+ - * / %`.

    Raises:
        JqError: If the kinds don't go together, or by division by zero.
    """
    if is_number(left) and is_number(right):
        return _numeric(run, operator, left, right)
    if operator == "+":
        return _added(run, left, right)
    if operator == "-" and isinstance(left, list) and isinstance(right, list):
        return [each for each in left if all(compare(run, each, other) for other in right)]
    if operator == "*":
        if isinstance(left, dict) and isinstance(right, dict):
            return _merged(run, left, right, 0)
        if isinstance(right, str) and is_number(left):
            left, right = right, left
        if isinstance(left, str) and is_number(right):
            times = math.ceil(right) if right == right and right > 0 else 0
            run.grow(len(left) * min(times, 2**40))
            return left * times if times else None
    if operator == "/" and isinstance(left, str) and isinstance(right, str):
        run.fill(len(left))
        return left.split(right) if right else list(left)
    raise JqError(
        f"{kind(left)} ({shown(run, left)}) and {kind(right)} ({shown(run, right)}) cannot be {_VERBS[operator]}"
    )


_VERBS = {"+": "added", "-": "subtracted", "*": "multiplied", "/": "divided", "%": "divided"}


def _numeric(run: Run, operator: str, left: Any, right: Any) -> Any:
    whole = isinstance(left, int) and isinstance(right, int)
    if operator in "/%" and (right == 0 or (operator == "%" and abs(right) < 1)):
        raise JqError(f"number ({left}) and number ({right}) cannot be divided because the divisor is zero")
    if operator == "%":
        a, b = (int(each) if each == each and abs(each) < 2**63 else 2**63 - 1 for each in (left, right))
        return int(math.copysign(abs(a) % abs(b), a)) if a else 0
    if whole and operator in "+-*":
        exact: int = left + right if operator == "+" else left - right if operator == "-" else left * right
        return exact if -(2**63) <= exact < 2**63 else float(exact)
    x, y = float(left), float(right)
    return number({"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else 0.0}[operator])


def _added(run: Run, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    if isinstance(left, str) and isinstance(right, str):
        run.grow(len(left) + len(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        run.fill(len(left) + len(right))
        return left + right
    if isinstance(left, dict) and isinstance(right, dict):
        run.fill(len(left) + len(right))
        return {**left, **right}
    raise JqError(f"{kind(left)} ({shown(run, left)}) and {kind(right)} ({shown(run, right)}) cannot be added")


def _merged(run: Run, left: dict[str, Any], right: dict[str, Any], depth: int) -> dict[str, Any]:
    run.fill(len(left) + len(right))
    if depth > MAX_DEPTH:
        raise Failure(f"values nested deeper than {MAX_DEPTH}")
    made = dict(left)
    for key, value in right.items():
        old = made.get(key)
        deep = isinstance(old, dict) and isinstance(value, dict)
        made[key] = _merged(run, old, value, depth + 1) if deep else value  # type: ignore[arg-type]
    return made


def contains(run: Run, left: Any, right: Any, depth: int = 0) -> bool:
    """True if the right value is part of the left: of texts, lists and maps, all the way down."""
    run.charge(1)
    if depth > MAX_DEPTH:
        raise Failure(f"values nested deeper than {MAX_DEPTH}")
    if isinstance(left, dict) and isinstance(right, dict):
        return all(key in left and contains(run, left[key], value, depth + 1) for key, value in right.items())
    if isinstance(left, list) and isinstance(right, list):
        return all(any(contains(run, each, wanted, depth + 1) for each in left) for wanted in right)
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    if kind(left) == kind(right):
        return compare(run, left, right) == 0
    if depth:
        return False
    both = f"{kind(left)} ({shown(run, left)}) and {kind(right)} ({shown(run, right)})"
    raise JqError(f"{both} cannot have their containment checked")
