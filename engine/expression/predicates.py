"""The tests behind `is`. `is defined` isn't here: it must see what is missing (`operations.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.numbers import is_number
from engine.expression.printing import Entry
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

TESTS = Registry()


@TESTS.add("defined")
def _defined(run: Run, value: Any) -> bool:
    return value is not None


@TESTS.add("null")
def _null(run: Run, value: Any) -> bool:
    return value is None


@TESTS.add("empty")
def _empty(run: Run, value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (Mapping, list, tuple)) and not len(value))


@TESTS.add("even")
def _even(run: Run, value: Any) -> bool:
    return _whole(value) % 2 == 0


@TESTS.add("odd")
def _odd(run: Run, value: Any) -> bool:
    return _whole(value) % 2 != 0


def _whole(value: Any) -> int:
    if not is_number(value) or not isinstance(value, int):
        raise Failure("expected a whole number")
    return value


@TESTS.add("iterable")
def _iterable(run: Run, value: Any) -> bool:
    return isinstance(value, (list, tuple))


@TESTS.add("map")
def _map(run: Run, value: Any) -> bool:
    return isinstance(value, Mapping) and not isinstance(value, Entry)


@TESTS.add("json")
def _json(run: Run, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    run.charge(len(value) >> 6)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True
