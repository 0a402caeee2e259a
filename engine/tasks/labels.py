"""Labels: puts labels on its execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.flow.model import Task
from engine.tasks import Outcome, PureTask, Render, Update


def decide_labels(task: Task, render: Render) -> Outcome:
    """Render keys and values; an empty value or a key of the system is an error."""
    return Outcome(update=Update(labels=read_labels(render(task.properties.get("labels")))))


def read_labels(rendered: Any) -> dict[str, str]:
    """Return the labels that a rendered property gives: a map, a list of `key` and `value`, or the JSON of either.

    Raises:
        ValueError: If it is none of them, a key or value is empty, or a key is the system's.
    """
    labels = {str(key): _text(key, value) for key, value in _pairs(rendered)}
    for key, value in labels.items():
        if key.startswith("system."):
            raise ValueError(f"labels: only Penstock itself sets {key!r}")
        if not key or not value:
            raise ValueError(f"labels: expected a key and a value, but got {key!r}: {value!r}")
    return labels


def _text(key: Any, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    raise ValueError(f"labels: expected a text, number or boolean for {key!r}, but got {type(value).__name__}")


def _pairs(rendered: Any) -> list[tuple[Any, Any]]:
    """Return the labels of a map, a list of `key` and `value`, or the JSON text of either."""
    if isinstance(rendered, str):
        try:
            rendered = msgspec.json.decode(rendered)
        except msgspec.DecodeError:
            raise ValueError(f"labels: expected a map, a list or JSON, but got {rendered[:200]!r}") from None
    if isinstance(rendered, Mapping):
        return list(rendered.items())
    if isinstance(rendered, list | tuple) and all(isinstance(each, Mapping) and "key" in each for each in rendered):
        return [(each["key"], each.get("value")) for each in rendered]
    raise ValueError("labels: expected a map, or a list of 'key' and 'value'")


TASK = PureTask(types=("io.kestra.plugin.core.execution.Labels",), decide=decide_labels, asks=True)
