"""Rules about single tasks: what only some kinds may have, and values that can be checked without rendering."""

from __future__ import annotations

from typing import Any

from engine.flow.fields import labels
from engine.flow.inputs import read_inputs, read_outputs
from engine.flow.model import Flow, Task
from engine.flow.problems import Path, Report, kind_of
from engine.flow.properties import check_properties, read_type
from engine.flow.rules.limits import check_worker_group
from engine.flow.rules.structure import walk_paths
from engine.flow.shapes.kinds import is_template
from engine.flow.shapes.parts import CheckFrequencyPart, FolderCachePart, TaskCachePart
from engine.flow.shapes.reading import read_part
from engine.flow.types import CORE, TYPES, TypeInfo

_OLD_PROPERTIES: dict[str, dict[str, str]] = {
    "flow.Pause": {"delay": "'pauseDuration'", "tasks": "tasks after the Pause"},
    "flow.Subflow": {"outputs": "the outputs of the called flow"},
}


def check_tasks(report: Report, flow: Flow) -> None:
    """Check every task of a flow by itself."""
    for task, path, _ in walk_paths(flow):
        info = TYPES.get(task.type)
        if info is not None and info.kind != "task":
            _check_flowable(report, task, path, info)
        if task.task_cache is not None:
            read_part(report, TaskCachePart, task.task_cache, (*path, "taskCache"))
        if task.worker_group is not None:
            named = "workerGroup" if "key" in task.worker_group else "workerSelector"
            check_worker_group(report, {named: task.worker_group}, path)
        if task.type.startswith(CORE):
            _check_core(report, task, path)
        runner = task.properties.get("taskRunner")
        if isinstance(runner, dict):
            _check_runner(report, runner, (*path, "taskRunner"))


def _check_flowable(report: Report, task: Task, path: Path, info: TypeInfo) -> None:
    if task.timeout is not None and task.type != f"{CORE}flow.Pause":
        report.warning("no-effect", f"'timeout' has no effect on the {info.kind} '{task.id}'", (*path, "timeout"))
    if task.task_cache is not None:
        report.warning("no-effect", f"'taskCache' has no effect on the {info.kind} '{task.id}'", (*path, "taskCache"))
    if task.worker_group is not None and task.type != f"{CORE}flow.WorkingDirectory":
        report.warning("no-effect", f"A worker group has no effect on the {info.kind} '{task.id}'", path)


def _check_core(report: Report, task: Task, path: Path) -> None:
    short = task.type.removeprefix(CORE)
    for key, newer in _OLD_PROPERTIES.get(short, {}).items():
        if key in task.properties or key in task.branches:
            report.info("deprecated-property", f"'{key}' is replaced by {newer}", (*path, key))
    if short in ("flow.Subflow", "flow.ForEachItem") and not is_template(task.properties.get("labels")):
        labels(report, task.properties, "labels", path)
    elif short in ("flow.ForEach", "flow.EachSequential", "flow.EachParallel"):
        _check_values(report, task, path, "values" if short == "flow.ForEach" else "value")
    elif short == "flow.Pause" and isinstance(task.properties.get("onResume"), list):
        read_inputs(report, task.properties["onResume"], (*path, "onResume"))
    elif short == "flow.Loop" and isinstance(task.properties.get("outputs"), list):
        read_outputs(report, task.properties["outputs"], (*path, "outputs"), typed=False)
    elif short == "flow.LoopUntil" and isinstance(task.properties.get("checkFrequency"), dict):
        read_part(report, CheckFrequencyPart, task.properties["checkFrequency"], (*path, "checkFrequency"))
    elif short == "flow.WorkingDirectory" and isinstance(task.properties.get("cache"), dict):
        read_part(report, FolderCachePart, task.properties["cache"], (*path, "cache"))


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
