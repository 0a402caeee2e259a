"""Raw maps to `Task`s, whatever their depth.

Owns the properties that all tasks share, the branches of flowables and what the table of types says about the rest.
Rules that need the whole flow (unique ids, dependencies of a Dag …) are in `engine/flow/rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.flow.fields import Raw, retry, text
from engine.flow.model import EMPTY, Task
from engine.flow.problems import Path, Report, kind_of
from engine.flow.properties import check_properties, read_type
from engine.flow.shapes.parts import TASK_ID, DagTaskPart, TaskPart, kinds_of
from engine.flow.shapes.reading import read_part
from engine.flow.types import ALIASES, TYPES, TypeInfo

COMMON = frozenset(kinds_of(TaskPart))
"""Properties of every task."""


def read_tasks(report: Report, value: Any, path: Path) -> tuple[Task, ...]:
    """Return the tasks of a list, in its order."""
    if value is None:
        return ()
    if not isinstance(value, list):
        report.error(
            "type-mismatch", f"Expected a list of tasks, but found {kind_of(value)}", path, "Start each task with '- '"
        )
        return ()
    return tuple(read_task(report, item, (*path, index)) for index, item in enumerate(value))


def read_task(report: Report, raw: Any, path: Path, depends_on: tuple[str, ...] = ()) -> Task:
    """Return one task; if it isn't even a map, one without id and type that keeps the place of its siblings."""
    if not isinstance(raw, dict):
        report.unsound = True
        report.error("type-mismatch", f"Expected a task (a map with id and type), but found {kind_of(raw)}", path)
        return Task(id="", type="")
    task_id = read_id(report, raw, path, TASK_ID, "a task")
    declared = read_type(report, raw, path, "task")
    name = ALIASES.get(declared, declared)
    info = TYPES.get(name)
    if info is not None:
        check_properties(report, raw, path, name, info, COMMON)
    if raw.get("assets") is not None:
        message = f"Task '{task_id}' can't have 'assets': nothing keeps track of them here"
        report.error("assets", message, (*path, "assets"), "Remove them")
    properties, branches = _own_properties(report, raw, path, info)
    part = read_part(report, TaskPart, raw, path)
    return Task(
        id=task_id or "",
        type=name,
        declared_type=declared,
        properties=properties,
        branches=branches,
        depends_on=depends_on,
        description=part.description,
        disabled=part.disabled,
        retry=retry(report, part.retry, path),
        timeout=part.timeout,
        run_if=part.run_if if "runIf" in raw else part.when,
        allow_failure=part.allow_failure,
        allow_warning=part.allow_warning,
        log_level=part.log_level,
        log_to_file=part.log_to_file,
        worker_group=part.worker_group if "workerGroup" in raw else part.worker_selector,
        task_cache=part.task_cache,
    )


def read_id(report: Report, raw: Raw, path: Path, pattern: re.Pattern[str], what: str, most: int = 256) -> str | None:
    """Return the id of a thing, None if it has none; a malformed one is reported and returned."""
    found = text(report, raw, "id", path)
    if found is None or not found:
        report.unsound = True
        if not isinstance(raw.get("id"), (list, dict)):
            report.error("required", f"'id' of {what} must be set", (*path, "id") if "id" in raw else path)
        return None
    if not pattern.fullmatch(found):
        report.error("pattern", f"'{found}' is no valid id of {what}: must match '{pattern.pattern}'", (*path, "id"))
    elif len(found) > most:
        report.error(
            "size", f"'id' of {what} must have between 1 and {most} characters, but has {len(found)}", (*path, "id")
        )
    return found


def _own_properties(
    report: Report, raw: Raw, path: Path, info: TypeInfo | None
) -> tuple[Raw, Mapping[str, tuple[Task, ...]]]:
    kinds = info.branches if info is not None else EMPTY
    branches: dict[str, tuple[Task, ...]] = {}
    properties: dict[str, Any] = {}
    for key, value in raw.items():
        if key in COMMON:
            continue
        if key not in kinds:
            properties[key] = _as_written(report, value, (*path, key), info) if type(value) is float else value
        elif value is not None:
            _read_branch(report, value, (*path, key), kinds[key], branches)
    return properties or EMPTY, branches or EMPTY


def _as_written(report: Report, value: float, path: Path, info: TypeInfo | None) -> Any:
    """A version such as 3.10 is a text to a property that wants one, and not 3.1."""
    known = info.properties.get(str(path[-1])) if info is not None else None
    return report.written(path) or value if known is not None and known.kind == "str" else value


def _read_branch(report: Report, value: Any, path: Path, kind: str, branches: dict[str, tuple[Task, ...]]) -> None:
    key = str(path[-1])
    if kind == "tasks":
        branches[key] = read_tasks(report, value, path)
    elif kind == "task":
        branches[key] = (read_task(report, value, path),)
    elif kind == "dag":
        branches[key] = _read_dag(report, value, path)
    elif isinstance(value, dict):
        for case, tasks in value.items():
            branches[f"cases.{case}"] = read_tasks(report, tasks, (*path, case))
    else:
        report.error("type-mismatch", f"Expected a map from a value to its tasks, but found {kind_of(value)}", path)


def _read_dag(report: Report, value: Any, path: Path) -> tuple[Task, ...]:
    if not isinstance(value, list):
        report.error("type-mismatch", f"Expected a list of 'task' and 'dependsOn', but found {kind_of(value)}", path)
        return ()
    found: list[Task] = []
    for index, item in enumerate(value):
        here: Path = (*path, index)
        if not isinstance(item, dict) or not isinstance(item.get("task"), dict):
            report.unsound = True
            found.append(Task(id="", type=""))
            report.error(
                "required", "'task' of a Dag's item must be set", here, "Write '- task: {id: …}', then 'dependsOn'"
            )
            continue
        part = read_part(report, DagTaskPart, item, here)
        found.append(read_task(report, item["task"], (*here, "task"), part.depends_on))
    return tuple(found)
