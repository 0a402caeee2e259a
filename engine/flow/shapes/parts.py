"""Models of what has a fixed form wherever it stands: what all tasks and triggers share, a retry and the like.

Owns the base of all such models. Names are camel case in the text. What is `Any` here is read by somebody else; only
its place in the schema is said. The sentences about the properties are in `words.json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from engine.flow.shapes import fixed_kinds as kinds
from engine.flow.shapes.fixed_kinds import DURATION, FLAG, LABELS, LEVEL, STATES, TEXT, choice, whole
from engine.flow.shapes.kinds import Kind, reference, shown
from engine.flow.shapes.table_kinds import OF_TYPES

Text = Annotated[str | None, TEXT]
Flag = Annotated[bool, FLAG]
Ms = Annotated[int | None, DURATION]
Map = Annotated[dict[str, Any] | None, kinds.map_of()]
Items = Annotated[list[Any] | None, kinds.list_of()]
Free = Annotated[Any, kinds.FREE]
Labels = Annotated[Any, LABELS]

TASK_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")


def identifier(pattern: re.Pattern[str], most: int = 256) -> Kind:
    """Return the kind of an id; a number will do."""
    return shown({"type": ["string", "number", "boolean"], "pattern": f"^{pattern.pattern}$", "maxLength": most})


_ID = identifier(TASK_ID)


class Part(BaseModel):
    """Base of the models."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", defer_build=True, protected_namespaces=())
    what: ClassVar[str] = ""
    """How messages call it."""
    variant: ClassVar[str] = ""
    """What else must be said of it where it matters which properties it has."""
    stand_ins: ClassVar[Mapping[str, Any]] = {}
    """What is taken in the place of a needed property that is missing or wrong, so that the rest can be looked at."""
    elsewhere: ClassVar[tuple[str, ...]] = ()
    """Needed properties that somebody else looks at, so that nothing is said of them twice."""


@cache
def kinds_of(part: type[Part]) -> Mapping[str, Kind]:
    """Return the kinds of a model's properties by the names under which they are written."""
    return {
        field.alias or to_camel(name): next((each for each in field.metadata if isinstance(each, Kind)), kinds.FREE)
        for name, field in part.model_fields.items()
    }


class RetryPart(Part):
    """When something that failed is tried again."""

    what = "a retry"
    stand_ins = {"type": "constant"}

    type: Annotated[str, choice(("constant", "exponential", "random")).needed()]
    interval: Ms = None
    max_interval: Ms = None
    min_interval: Ms = None
    max_duration: Ms = None
    delay_factor: Annotated[float | None, kinds.NUMBER] = None
    max_attempts: Annotated[int | None, whole(1)] = None
    max_attempt: Annotated[int | None, whole(1)] = None
    warning_on_retry: Flag = False
    behavior: Annotated[str, choice(("RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"), default="RETRY_FAILED_TASK")] = (
        "RETRY_FAILED_TASK"
    )


class TaskCachePart(Part):
    """Whether the outputs of an earlier run are taken instead of running a task."""

    what = "a task cache"
    stand_ins = {"enabled": False}

    enabled: Annotated[bool, FLAG.needed()]
    ttl: Annotated[Any, OF_TYPES["duration"]] = None


class CheckFrequencyPart(Part):
    """How often, how many times and for how long a LoopUntil looks."""

    what = "checkFrequency"

    interval: Annotated[Any, OF_TYPES["duration"]] = None
    max_iterations: Annotated[Any, OF_TYPES["int"]] = None
    max_duration: Annotated[Any, OF_TYPES["duration"]] = None


class FolderCachePart(Part):
    """Which files of a WorkingDirectory the next execution finds again."""

    what = "a cache"
    stand_ins = {"patterns": []}

    patterns: Annotated[Any, OF_TYPES["list"].needed()]
    ttl: Annotated[Any, OF_TYPES["duration"]] = None


class WorkerGroupPart(Part):
    """Which workers may take a task (older generation)."""

    what = "a worker group"

    key: Text = None
    fallback: Annotated[str | None, choice(("FAIL", "WAIT", "CANCEL"))] = None


class WorkerSelectorPart(Part):
    """Which workers may take a task (newer generation)."""

    what = "a worker selector"

    tags: Items = None
    match: Annotated[str | None, choice(("ALL", "ANY"))] = None
    fallback: Annotated[str | None, choice(("FAIL", "WAIT", "CANCEL", "IGNORE"))] = None


_WORKER_GROUP = kinds.map_of("workerGroup")
_WORKER_SELECTOR = kinds.map_of("workerSelector")


class TaskPart(Part):
    """What all tasks have in common."""

    model_config = ConfigDict(extra="ignore")
    what = "a task"
    elsewhere = ("id", "type")

    id: Annotated[Any, _ID]
    type: Free
    version: Free = None
    description: Text = None
    retry: Annotated[Any, kinds.map_of("retry")] = None
    timeout: Annotated[str | None, kinds.TIMEOUT] = None
    disabled: Flag = False
    run_if: Text = None
    when: Text = None
    allow_failure: Flag = False
    allow_warning: Flag = False
    log_level: Annotated[str | None, LEVEL] = None
    log_to_file: Flag = False
    worker_group: Annotated[dict[str, Any] | None, _WORKER_GROUP] = None
    worker_selector: Annotated[dict[str, Any] | None, _WORKER_SELECTOR] = None
    task_cache: Annotated[dict[str, Any] | None, kinds.map_of("taskCache")] = None
    assets: Annotated[Any, shown({"type": "null"})] = None
    policy_refs: Free = None


class TriggerPart(Part):
    """What all triggers have in common."""

    model_config = ConfigDict(extra="ignore")
    what = "a trigger"
    elsewhere = ("id", "type")

    id: Annotated[Any, _ID]
    type: Free
    version: Free = None
    description: Text = None
    conditions: Annotated[list[Any] | None, kinds.list_of("condition")] = None
    when: Text = None
    disabled: Flag = False
    labels: Labels = None
    stop_after: Annotated[Any, STATES] = None
    allow_concurrent: Flag = False
    fail_on_trigger_error: Flag = False
    log_level: Annotated[str | None, LEVEL] = None
    min_log_level: Annotated[str | None, LEVEL] = None
    log_to_file: Flag = False
    worker_group: Annotated[dict[str, Any] | None, _WORKER_GROUP] = None
    worker_selector: Annotated[dict[str, Any] | None, _WORKER_SELECTOR] = None
    assets: Free = None
    policy_refs: Free = None


class DagTaskPart(Part):
    """A task of a Dag with the tasks that it waits for."""

    what = "an item of a Dag"
    elsewhere = ("task",)

    task: Annotated[Any, shown(reference("task"))]
    depends_on: Annotated[tuple[str, ...], kinds.ids("task ids")] = ()
