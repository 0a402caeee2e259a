"""Functions on values: ranges, extremes, rendering of templates found in values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.numbers import Long, is_number
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FUNCTIONS = Registry()


@FUNCTIONS.add("range", "start", "end", "increment", required=2)
def _range(run: Run, start: Any, end: Any, increment: Any = None) -> list[Any]:
    step = 1 if increment is None else increment
    if not is_number(step) or int(step) == 0:
        raise Failure("the increment must be a number other than 0")
    step = int(step)
    if is_number(start) and is_number(end):
        first, last = int(start), int(end)
        run.fill(max(0, (last - first) // step + 1) * 16)
        return [Long(each) for each in range(first, last + (1 if step > 0 else -1), step)]
    if isinstance(start, str) and isinstance(end, str) and len(start) == len(end) == 1:
        first, last = ord(start), ord(end)
        run.fill(max(0, (last - first) // step + 1))
        return [chr(each) for each in range(first, last + (1 if step > 0 else -1), step)]
    raise Failure("start and end must be numbers, or texts of one character")


@FUNCTIONS.add("render", "toRender", "recursive", required=1)
def _render(run: Run, value: Any, recursive: Any = None) -> Any:
    return _rendered(run, value, recursive is None or recursive is True, 0)


@FUNCTIONS.add("renderOnce", "toRender", required=1)
def _render_once(run: Run, value: Any) -> Any:
    return _rendered(run, value, False, 0)


def _rendered(run: Run, value: Any, recursive: bool, depth: int) -> Any:
    run.charge(1)
    if depth > 60:
        raise Failure("maps and lists nested deeper than 60")
    if isinstance(value, str):
        return run.settled(value) if recursive else run.nested(value)
    if isinstance(value, Mapping):
        return {
            _rendered(run, key, recursive, depth + 1): _rendered(run, each, recursive, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_rendered(run, each, recursive, depth + 1) for each in value]
    return value
