"""Outputs as templates read them: rows are fetched when a template asks, never all of them.

Owns the lazy mappings `outputs` and `outputs.<task in a loop>`. A task inside loops has one level per loop around it,
keyed by the loops' values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine.execution.state import escape_segment, unescape_segment
from engine.flow.model import Flow
from engine.flowables import flowable_of
from engine.machine import Rows

LOOP_TYPES = frozenset(
    {
        "io.kestra.plugin.core.flow.ForEach",
        "io.kestra.plugin.core.flow.EachSequential",
        "io.kestra.plugin.core.flow.EachParallel",
        "io.kestra.plugin.core.flow.Loop",
    }
)
"""Flowables that give their children a value, so that outputs nest by it."""


def loop_depth(flow: Flow, task_id: str) -> int:
    """Return how many loops are around a task."""
    depth = 0
    parent = flow.places[task_id].parent
    while parent is not None:
        place = flow.places[parent]
        depth += place.task.type in LOOP_TYPES and flowable_of(place.task.type) is not None
        parent = place.parent
    return depth


class Outputs(Mapping[str, Any]):
    """`outputs`: by task id."""

    def __init__(self, rows: Rows, flow: Flow) -> None:
        self._rows = rows
        self._flow = flow

    def __getitem__(self, task_id: str) -> Any:
        place = self._flow.places.get(task_id)
        depth = loop_depth(self._flow, task_id) if place is not None else 0
        if depth == 0:
            row = self._rows.get("o/" + task_id)
            if row is None:
                raise KeyError(task_id)
            return msgspec.json.decode(row.json)
        by_value = LoopOutputs(self._rows, "o/" + task_id, depth)
        if next(iter(by_value), None) is None:
            raise KeyError(task_id)
        return by_value

    def __iter__(self) -> Iterator[str]:
        seen: dict[str, None] = {}
        for key, _row in self._rows.scan("o/"):
            seen[key.split("/", 2)[1]] = None
        return iter(seen)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LoopOutputs(Mapping[str, Any]):
    """Outputs of a task inside loops: by the value of the outermost loop that isn't named yet."""

    def __init__(self, rows: Rows, prefix: str, depth: int) -> None:
        self._rows = rows
        self._prefix = prefix
        self._depth = depth

    def __getitem__(self, value: Any) -> Any:
        key = f"{self._prefix}/{escape_segment(str(value))}"
        if self._depth > 1:
            inner = LoopOutputs(self._rows, key, self._depth - 1)
            if next(iter(inner), None) is None:
                raise KeyError(value)
            return inner
        row = self._rows.get(key)
        if row is None:
            raise KeyError(value)
        return msgspec.json.decode(row.json)

    def __iter__(self) -> Iterator[str]:
        last = None
        start = len(self._prefix) + 1
        for key, _row in self._rows.scan(self._prefix + "/"):
            segment = key[start:].split("/", 1)[0]
            if segment != last:
                last = segment
                yield unescape_segment(segment)

    def __len__(self) -> int:
        return sum(1 for _ in self)
