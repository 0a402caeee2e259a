"""What a batch of records changes in the views, gathered in memory row by row before SQL sees any of it.

Owns the changes as plain objects. How events become changes is in `execution_fold.py` and `flow_fold.py`; how changes
become statements in `write.py`.
"""

from __future__ import annotations

from typing import Any

LogRow = tuple[str, str, int, int, str, str, "str | None", "str | None", int, int, str, str]
"""execution_id, id, at_ms, number, namespace, flow_id, task_id, task_run_id, attempt, level, thread, message"""


class TaskRunChange:
    """What becomes of one task run. `journal` is what to append."""

    __slots__ = ("born", "error", "journal", "outputs", "seq", "since", "state")

    def __init__(self, since: int) -> None:
        self.since = since
        """Number of the first event in it."""
        self.seq = since
        self.born: tuple[Any, ...] | None = None
        """task_id, parent_id, value, iteration, if it began to exist in this batch."""
        self.state: str | None = None
        self.journal = ""
        self.outputs: str | None = None
        self.error: str | None = None


class ExecutionChange:
    """What becomes of one execution and its task runs."""

    __slots__ = (
        "attempt",
        "born",
        "deleted",
        "end_ms",
        "error",
        "id",
        "journal",
        "labels",
        "outputs",
        "removed",
        "revision",
        "seq",
        "settled",
        "since",
        "state",
        "task_runs",
        "variables",
    )

    def __init__(self, id: str, since: int) -> None:
        self.id = id
        self.since = since
        self.seq = since
        self.born: Any = None
        """The ExecutionCreated, if it began to exist in this batch."""
        self.deleted = False
        self.state: str | None = None
        self.journal = ""
        self.end_ms: int | None = None
        """0: no longer ended."""
        self.revision: int | None = None
        self.attempt: int | None = None
        self.settled: int | None = None
        self.error: str | None = None
        self.outputs: str | None = None
        self.labels: dict[str, str] | None = None
        self.variables: str | None = None
        """The execution's own variables, which count instead of the flow's."""
        self.task_runs: dict[str, TaskRunChange] = {}
        self.removed: dict[str, int] = {}
        """Task runs to delete first, with the number of the event that said so."""


class FlowChange:
    """What becomes of one flow."""

    __slots__ = ("deleted", "saved")

    def __init__(self) -> None:
        self.saved: list[tuple[int, Any]] = []
        """FlowSaved events with their numbers, oldest first."""
        self.deleted: tuple[int, Any] | None = None
        """The FlowDeleted with its number, if it came after the last of `saved`."""


class Batch:
    """All changes of one transaction."""

    __slots__ = ("answers", "executions", "flows", "lines", "metrics", "nameless", "triggers")

    def __init__(self) -> None:
        self.executions: dict[str, ExecutionChange] = {}
        self.flows: dict[tuple[str, str], FlowChange] = {}
        self.lines: list[LogRow] = []
        self.nameless: list[tuple[str, str]] = []
        """Lines (execution id, line id) whose event doesn't say which task they belong to."""
        self.metrics: list[tuple[Any, ...]] = []
        self.triggers: dict[tuple[str, str, str], tuple[int, Any]] = {}
        """By namespace, flow and trigger: the last TriggerChanged or TriggerRemoved, with its number."""
        self.answers: list[tuple[str, Any]] = []
        """Steps that a request may wait for: request id, step."""

    def __bool__(self) -> bool:
        """True if it changes anything."""
        return bool(self.executions or self.flows or self.lines or self.metrics or self.triggers)
