"""Rules about single tasks: what only some kinds may have, and values that can be checked without rendering."""

from __future__ import annotations

from typing import Any

from engine.flow.fields import choice, flag, known_keys, labels, mapping, whole
from engine.flow.inputs import read_inputs, read_outputs
from engine.flow.model import Flow, Task
from engine.flow.problems import Path, Report, kind_of
from engine.flow.properties import check_properties, read_type
from engine.flow.rules.limits import check_worker_group
from engine.flow.rules.structure import walk_paths
from engine.flow.types import CORE, TYPES, TypeInfo
from engine.values import parse_duration_ms

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")

CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "log.Log": {"level": LEVELS},
    "log.Fetch": {"level": LEVELS},
    "flow.Pause": {"behavior": ("RESUME", "WARN", "FAIL", "CANCEL")},
    "flow.Subflow": {"restartBehavior": ("RETRY_FAILED", "NEW_EXECUTION")},
    "flow.ForEachItem": {"restartBehavior": ("RETRY_FAILED", "NEW_EXECUTION")},
    "flow.Loop": {"fetchType": ("AUTO", "FETCH", "STORE", "FETCH_ONE", "NONE")},
    "execution.Exit": {"state": ("SUCCESS", "WARNING", "KILLED", "FAILED", "CANCELLED", "CANCELED")},
    "kv.Set": {"kvType": ("STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON")},
    "namespace.UploadFiles": {"conflict": ("OVERWRITE", "ERROR", "SKIP")},
    "storage.FilterItems": {
        "filterType": ("INCLUDE", "EXCLUDE"),
        "errorOrNullBehavior": ("FAIL", "INCLUDE", "EXCLUDE"),
    },
}
"""Properties of core types that take one of a closed set of words."""

_COUNTS: dict[str, dict[str, int]] = {
    "flow.Parallel": {"concurrent": 0},
    "flow.Dag": {"concurrent": 0},
    "flow.EachParallel": {"concurrent": 0},
    "flow.ForEach": {"concurrencyLimit": 0},
    "flow.Loop": {"concurrencyLimit": 0},
    "flow.Subflow": {"revision": 1},
    "flow.ForEachItem": {"revision": 1},
}
"""Properties of core types that take a whole number, with the smallest one."""

_OLD_PROPERTIES: dict[str, dict[str, str]] = {
    "flow.Pause": {"delay": "'pauseDuration'", "tasks": "tasks after the Pause"},
    "flow.Subflow": {"outputs": "the outputs of the called flow"},
}


def check_tasks(report: Report, flow: Flow) -> None:
    """Check every task of a flow by itself."""
    for task, path, _ in walk_paths(flow):
        info = TYPES.get(task.type)
        if task.log_level is not None and task.log_level not in LEVELS:
            found = kind_of(task.log_level)
            report.error("choice", f"Expected one of {', '.join(LEVELS)}, but found {found}", (*path, "logLevel"))
        _check_timeout(report, task, path)
        if info is not None and info.kind != "task":
            _check_flowable(report, task, path, info)
        if task.task_cache is not None:
            _check_cache(report, task, path)
        if task.worker_group is not None:
            named = "workerGroup" if "key" in task.worker_group else "workerSelector"
            check_worker_group(report, {named: task.worker_group}, path)
        if task.type.startswith(CORE):
            _check_core(report, task, path)
        runner = task.properties.get("taskRunner")
        if isinstance(runner, dict):
            _check_runner(report, runner, (*path, "taskRunner"))


def _check_timeout(report: Report, task: Task, path: Path) -> None:
    if task.timeout is None or "{" in task.timeout:
        return
    try:
        if parse_duration_ms(task.timeout) > 0:
            return
        message = "Expected a duration above zero"
    except ValueError:
        message = "Expected a duration such as PT30S, P1DT2H or a number of seconds"
    report.error("duration", f"{message}, but found {kind_of(task.timeout)}", (*path, "timeout"))


def _check_flowable(report: Report, task: Task, path: Path, info: TypeInfo) -> None:
    if task.timeout is not None and task.type != f"{CORE}flow.Pause":
        report.warning("no-effect", f"'timeout' has no effect on the {info.kind} '{task.id}'", (*path, "timeout"))
    if task.task_cache is not None:
        report.warning("no-effect", f"'taskCache' has no effect on the {info.kind} '{task.id}'", (*path, "taskCache"))
    if task.worker_group is not None and task.type != f"{CORE}flow.WorkingDirectory":
        report.warning("no-effect", f"A worker group has no effect on the {info.kind} '{task.id}'", path)


def _check_cache(report: Report, task: Task, path: Path) -> None:
    cache = task.task_cache or {}
    here: Path = (*path, "taskCache")
    known_keys(report, cache, frozenset({"enabled", "ttl"}), here, "a task cache")
    if cache.get("enabled") is None:
        report.error("required", "'enabled' of a task cache must be set", here)
    flag(report, cache, "enabled", here)


def _check_core(report: Report, task: Task, path: Path) -> None:
    short = task.type.removeprefix(CORE)
    for key, allowed in CHOICES.get(short, {}).items():
        if not _is_dynamic(task.properties.get(key)):
            choice(report, task.properties, key, path, allowed, allowed[0])
    for key, least in _COUNTS.get(short, {}).items():
        if not _is_dynamic(task.properties.get(key)) or (key == "concurrencyLimit" and short == "flow.ForEach"):
            whole(report, task.properties, key, path, least)
    for key, newer in _OLD_PROPERTIES.get(short, {}).items():
        if key in task.properties or key in task.branches:
            report.info("deprecated-property", f"'{key}' is replaced by {newer}", (*path, key))
    if short in ("flow.Subflow", "flow.ForEachItem") and not _is_dynamic(task.properties.get("labels")):
        labels(report, task.properties, "labels", path)
    elif short in ("flow.ForEach", "flow.EachSequential", "flow.EachParallel"):
        _check_values(report, task, path, "values" if short == "flow.ForEach" else "value")
    elif short == "flow.Pause":
        read_inputs(report, task.properties.get("onResume"), (*path, "onResume"))
    elif short == "flow.Loop":
        read_outputs(report, task.properties.get("outputs"), (*path, "outputs"), typed=False)
    elif short == "flow.LoopUntil":
        keys = frozenset({"interval", "maxIterations", "maxDuration"})
        here: Path = (*path, "checkFrequency")
        known_keys(report, mapping(report, task.properties, "checkFrequency", path), keys, here, "checkFrequency")


def _check_values(report: Report, task: Task, path: Path, key: str) -> None:
    values: Any = task.properties.get(key)
    if not isinstance(values, list):
        return
    for index, value in enumerate(values):
        if value is None or isinstance(value, (bool, float)):
            message = f"Expected texts, whole numbers or maps to loop over, but found {kind_of(value)}"
            report.warning("loop-value", message, (*path, key, index), "Quote it")


def _check_runner(report: Report, raw: dict[str, Any], path: Path) -> None:
    declared = read_type(report, raw, path, "runner")
    info = TYPES.get(declared)
    if info is not None and info.properties:
        check_properties(report, raw, path, declared, info, frozenset({"type", "version"}))


def _is_dynamic(value: object) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)
