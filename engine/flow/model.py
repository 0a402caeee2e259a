"""The one internal model of a flow, whichever generation of the language it was written in.

Owns the immutable classes that everything behind the front door reads. It doesn't parse, validate or draw: that is
`parse`, `validate` and `graph` beside it. Properties keep their templates unrendered; nothing here is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

EMPTY: Mapping[str, Any] = {}


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """When a failed task is tried again. Times in milliseconds; `None` means no bound."""

    kind: str = "constant"
    """constant | exponential | random"""
    interval_ms: int = 0
    max_interval_ms: int | None = None
    delay_factor: float = 2.0
    min_interval_ms: int = 0
    max_attempts: int | None = None
    """Counts attempts, the first one included (as `maxAttempts` does)."""
    max_duration_ms: int | None = None
    warning_on_retry: bool = False
    behavior: str = "RETRY_FAILED_TASK"
    """RETRY_FAILED_TASK | CREATE_NEW_EXECUTION"""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task as defined in a flow (not its run)."""

    id: str
    type: str
    """Canonical type name: aliases and old names are resolved."""
    declared_type: str = ""
    """The name as written."""
    properties: Mapping[str, Any] = EMPTY
    """What is neither common to all tasks nor a child task; templates as written; plugin defaults applied."""
    branches: Mapping[str, tuple[Task, ...]] = EMPTY
    """Child tasks of a flowable by branch: tasks, errors, finally, then, else, defaults, `cases.<key>`."""
    depends_on: tuple[str, ...] = ()
    """For a child of a Dag: ids of its siblings that must have ended before."""
    description: str | None = None
    disabled: bool = False
    retry: Retry | None = None
    timeout: str | None = None
    """ISO duration or template."""
    run_if: str | None = None
    allow_failure: bool = False
    allow_warning: bool = False
    log_level: str | None = None
    log_to_file: bool = False
    worker_group: Mapping[str, Any] | None = None
    task_cache: Mapping[str, Any] | None = None


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A declared input; `properties` holds what only its type knows (values, min, max, validator …)."""

    id: str
    type: str
    required: bool = True
    has_defaults: bool = False
    defaults: Any = None
    description: str | None = None
    display_name: str | None = None
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    properties: Mapping[str, Any] = EMPTY


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """A declared output of a flow; `value` is a template or a JSON value that holds templates."""

    id: str
    type: str
    value: Any = None
    required: bool = True
    description: str | None = None
    display_name: str | None = None


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """A declared trigger; `properties` holds what only its type knows."""

    id: str
    type: str
    declared_type: str = ""
    disabled: bool = False
    conditions: tuple[Any, ...] = ()
    when: str | None = None
    inputs: Mapping[str, Any] = EMPTY
    labels: tuple[tuple[str, str], ...] = ()
    properties: Mapping[str, Any] = EMPTY


class Concurrency(msgspec.Struct, frozen=True, kw_only=True):
    """How many executions of the flow may run at once, and what becomes of the next one."""

    limit: int
    behavior: str = "QUEUE"
    """QUEUE | CANCEL | FAIL"""


class Sla(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised of the flow's executions: either how long they take, or what holds of them."""

    id: str
    behavior: str
    """FAIL | CANCEL | NONE"""
    duration_ms: int | None = None
    assertion: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    """What an execution gets that breaks the promise."""


class Place(msgspec.Struct, frozen=True):
    """Where a task stands in its flow."""

    task: Task
    parent: str | None
    """Id of the flowable that holds it; None at the top of the flow."""
    branch: str
    """Branch of the parent (see `Task.branches`); at the top: tasks, errors, finally, afterExecution."""
    position: int
    """Index within the branch, disabled siblings counted."""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed flow. Build it through `build_flow`, which fills `places`."""

    id: str
    namespace: str
    description: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Input, ...] = ()
    variables: Mapping[str, Any] = EMPTY
    branches: Mapping[str, tuple[Task, ...]] = EMPTY
    """tasks, errors, finally, afterExecution: as if the flow were a flowable itself."""
    outputs: tuple[Output, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    concurrency: Concurrency | None = None
    sla: tuple[Sla, ...] = ()
    retry: Retry | None = None
    disabled: bool = False
    extra: Mapping[str, Any] = EMPTY
    """Top-level properties that the engine doesn't read itself (checks, listeners …), as written."""
    places: Mapping[str, Place] = EMPTY
    """Every task of the flow by id, nested ones included."""


def walk(branches: Mapping[str, tuple[Task, ...]], parent: str | None = None) -> Iterator[Place]:
    """Yield the place of every task below `branches`, parents before children."""
    for branch, tasks in branches.items():
        for position, task in enumerate(tasks):
            yield Place(task, parent, branch, position)
            yield from walk(task.branches, task.id)


def build_flow(**fields: Any) -> Flow:
    """Return a flow with its `places` filled in; `fields` are those of `Flow`."""
    return Flow(**fields, places={place.task.id: place for place in walk(fields.get("branches", EMPTY))})
