"""The four meanings of "true", each under its own name; mixing them up is the classic bug of this language.

Owns the rules only: who uses which is said in each docstring.
"""

from __future__ import annotations

from typing import Any

from engine.expression.errors import Failure
from engine.expression.numbers import is_number

_FALSE_TEXTS = frozenset({"", "false", "0", "-0"})


def text_is_truthy(rendered: str | None) -> bool:
    """True for task-level conditions: `runIf`, `If`, `LoopUntil`, `Fail`, `Assert`, SLA assertions.

    Args:
        rendered: The rendered text; None, and after trimming `""`, `false`, `0`, `-0`, are false. `False` is true.
    """
    return rendered is not None and rendered.strip() not in _FALSE_TEXTS


def condition_is_truthy(rendered: str | None) -> bool:
    """True for a trigger's expression condition: only blank text and `false` are false, `0` is true."""
    return rendered is not None and rendered.strip() not in ("", "false")


def value_is_true(value: Any) -> bool:
    """True for checks and `dependsOn` conditions, which want a real boolean: the text `true` isn't one."""
    return value is True


def operand_is_true(value: Any) -> bool:
    """True inside expressions (`if`, `and`, `or`, `not`, `? :`): booleans, numbers ≠ 0, texts that aren't empty.

    Raises:
        Failure: On null, a list or a map, which are neither true nor false. (`? :` itself takes null as false.)
    """
    if value is True or value is False:
        return value is True
    if isinstance(value, str):
        return value != ""
    if is_number(value):
        return bool(value == value and value != 0)
    what = "null" if value is None else "a list" if isinstance(value, (list, tuple)) else "a map"
    raise Failure(f"Expected a boolean, number or text as condition, but got {what}")


truthiness = text_is_truthy
"""The rule that most callers mean: see `text_is_truthy`."""
