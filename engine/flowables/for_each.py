"""ForEach and its older forms: the tasks once per value. Values are rendered once, when it begins."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.expression import Budget
from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render, limit_of

_FOR_EACH = "io.kestra.plugin.core.flow.ForEach"
_EACH_SEQUENTIAL = "io.kestra.plugin.core.flow.EachSequential"
_EACH_PARALLEL = "io.kestra.plugin.core.flow.EachParallel"


def values_of(rendered: Any, name: str) -> tuple[str, ...]:
    """Return the values of a loop as text: duplicates left out, what is no string as JSON.

    Args:
        rendered: A list, or the text of a JSON array.
        name: The property, for the error.

    Raises:
        ValueError: If it is neither, or holds a null.

    Example:
        >>> values_of('["a", {"b": 1}, "a", 2]', "values")
        ('a', '{"b":1}', '2')
    """
    values = rendered
    if isinstance(values, str):
        try:
            values = msgspec.json.decode(values)
        except msgspec.DecodeError:
            raise ValueError(f"{name}: expected a list or a JSON array, but got {rendered[:200]!r}") from None
    if not isinstance(values, list | tuple):
        raise ValueError(f"{name}: expected a list or a JSON array, but got {type(values).__name__}")
    if any(value is None for value in values):
        raise ValueError(f"{name}: expected values without null, but value {list(values).index(None)} is null")
    texts = (value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in values)
    return tuple(dict.fromkeys(texts))


def open_for_each(task: Task, render: Render) -> Opening:
    """Begin with the first values, as many at once as the limit allows."""
    name = "values" if task.type == _FOR_EACH else "value"
    values = values_of(render(task.properties.get(name)), name)
    if task.type == _FOR_EACH:
        return Opening(order="loop", limit=limit_of(task, "concurrencyLimit", render, 1), values=values)
    if task.type == _EACH_SEQUENTIAL:
        return Opening(order="loop", limit=1, values=values)
    return Opening(order="loop", limit=limit_of(task, "concurrent", render, 0), inner=inner(task), values=values)


def abreast(task: Task) -> bool:
    """Tell whether its limit is written as another number than 1; none is no limit for EachParallel only."""
    if task.type == _EACH_SEQUENTIAL:
        return False
    name, default = ("concurrencyLimit", 1) if task.type == _FOR_EACH else ("concurrent", 0)
    written = str(task.properties.get(name, default)).strip()
    return written.isdecimal() and int(written) != 1


def inner(task: Task) -> str:
    """Return how the tasks of one value follow each other."""
    return "parallel" if task.type == _EACH_PARALLEL else "sequential"


VALUES_BUDGET = Budget(steps=400_000)
"""Enough for the numbers of 100,000 iterations: some 150 ms, once, where such a loop then takes many seconds."""

FLOWABLE = Flowable(
    budget=VALUES_BUDGET,
    types=(_FOR_EACH, _EACH_SEQUENTIAL, _EACH_PARALLEL),
    open=open_for_each,
    loops=True,
    order="loop",
    abreast=abreast,
    inner=inner,
)
