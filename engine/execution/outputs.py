"""Outputs, states and errors of tasks as templates read them: rows are fetched when a template asks, never all of them.

Owns the lazy mappings `outputs`, `outputs.<task in a loop>` and `tasks`, and the answer of `errorLogs()`. A task inside
loops has one level per loop around it, keyed by the loops' values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine.execution.plan import Plan
from engine.execution.state import Output, escape_segment, unescape_segment
from engine.machine import Rows
from engine.values import State, iso


class Outputs(Mapping[str, Any]):
    """`outputs`: by task id.

    Args:
        rows: The execution's rows.
        plan: Tells how many loops are around a task.
    """

    def __init__(self, rows: Rows, plan: Plan) -> None:
        self._rows = rows
        self._plan = plan

    def __getitem__(self, task_id: str) -> Any:
        row: Output | None = self._rows.get(f"o/{task_id}")
        if row is None:
            raise KeyError(task_id)
        planned = self._plan.tasks.get(task_id)
        depth = planned.depth if planned is not None else 0
        return LoopOutputs(self._rows, f"o/{task_id}", depth) if depth else msgspec.json.decode(row.json)

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
        row: Output | None = self._rows.get(key)
        if row is None:
            raise KeyError(value)
        return LoopOutputs(self._rows, key, self._depth - 1) if self._depth > 1 else msgspec.json.decode(row.json)

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


class TaskStates(Mapping[str, Any]):
    """`tasks`: the state of every task that has run, by task id; within loops by value, as far as rows are kept.

    Built at the first look, from all rows of task runs: templates that ask for it are rare, and mostly in `errors`.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._found: dict[str, Any] | None = None

    def _states(self) -> dict[str, Any]:
        if self._found is None:
            self._found = {}
            for _key, run in self._rows.scan("t/"):
                state = {"state": str(run.state)}
                if run.value is None:
                    self._found[run.task_id] = state
                else:
                    self._found.setdefault(run.task_id, {})[run.value] = state
        return self._found

    def __getitem__(self, task_id: str) -> Any:
        return self._states()[task_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._states())

    def __len__(self) -> int:
        return len(self._states())


def error_logs(rows: Rows) -> list[dict[str, Any]]:
    """Return why task runs failed, oldest first, as `errorLogs()` gives it: one entry for each that failed for good."""
    failed = [run for _key, run in rows.scan("t/") if run.state is State.FAILED and run.error]
    failed.sort(key=lambda run: (run.since_ms, run.created_ms, run.id))
    return [
        {
            "taskId": run.task_id,
            "taskRunId": run.id,
            "value": run.value,
            "timestamp": iso(run.since_ms),
            "level": "ERROR",
            "attemptNumber": max(run.epoch - 1 - run.asked, 0),
            "message": run.error,
        }
        for run in failed
    ]
