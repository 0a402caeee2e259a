"""Rules about the tree of tasks: unique ids, dependencies of a Dag, what may stand in a WorkingDirectory, recursion."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from engine.flow.model import Flow, Task
from engine.flow.problems import Path, Report, did_you_mean
from engine.flow.rules.cycles import find_cycle
from engine.flow.types import CORE, TYPES


def walk_paths(flow: Flow) -> Iterator[tuple[Task, Path, str | None]]:
    """Yield each task, where it stands in the text and the type of its parent, in the order of the text."""
    for branch, tasks in flow.branches.items():
        place: Path = (branch,)
        if branch.startswith("listeners."):
            place = ("listeners", int(branch.split(".")[1]), "tasks")
        yield from _walk(tasks, place, None)


def _walk(tasks: tuple[Task, ...], path: Path, parent: Task | None) -> Iterator[tuple[Task, Path, str | None]]:
    kinds = TYPES[parent.type].branches if parent is not None else {}
    for index, task in enumerate(tasks):
        kind = kinds.get(str(path[-1]))
        here: Path = path if kind == "task" else (*path, index, "task") if kind == "dag" else (*path, index)
        yield task, here, parent.type if parent is not None else None
        for branch, children in task.branches.items():
            place: Path = (
                (*here, "cases", branch.removeprefix("cases.")) if branch.startswith("cases.") else (*here, branch)
            )
            yield from _walk(children, place, task)


def check_structure(report: Report, flow: Flow) -> None:
    """Check the tree of tasks as a whole."""
    first: dict[str, Path] = {}
    for task, path, parent in walk_paths(flow):
        if not task.id:
            continue
        if task.id in first:
            line, _ = report.position((*first[task.id], "id"))
            report.error(
                "duplicate-id",
                f"Duplicate task id with name [{task.id}]",
                (*path, "id"),
                f"It is in line {line} already",
            )
        else:
            first[task.id] = path
        if parent == f"{CORE}flow.WorkingDirectory":
            _check_runnable(report, task, path)
        if task.type == f"{CORE}flow.Dag":
            _check_dag(report, task, path)
        elif task.type in (f"{CORE}flow.Subflow", f"{CORE}flow.ForEachItem"):
            _check_recursion(report, flow, task, path)
        elif task.type == f"{CORE}flow.Switch" and not any(task.branches.values()):
            report.error("required", "No task defined: at least one of 'cases' and 'defaults' must be set", path)


def _check_runnable(report: Report, task: Task, path: Path) -> None:
    info = TYPES.get(task.type)
    if path[-2] in ("errors", "finally"):
        return
    if info is not None and info.kind != "task":
        kind = "an executable task" if info.kind == "executable" else f"a {info.kind}"
        message = f"Only runnable tasks are allowed as children of a WorkingDirectory, but '{task.id}' is {kind}"
        report.error("working-directory", message, path)
    if task.worker_group is not None:
        report.error(
            "working-directory", f"Task '{task.id}' can't have a worker group of its own in a WorkingDirectory", path
        )


def _check_recursion(report: Report, flow: Flow, task: Task, path: Path) -> None:
    if task.properties.get("namespace") == flow.namespace and task.properties.get("flowId") == flow.id:
        report.error("recursion", f"Recursive call to flow [{flow.namespace}.{flow.id}]", path)


def _check_dag(report: Report, dag: Task, path: Path) -> None:
    nodes = {task.id: task for task in dag.branches.get("tasks", ())}
    for index, task in enumerate(dag.branches.get("tasks", ())):
        for name in task.depends_on:
            if name not in nodes:
                place: Path = (*path, "tasks", index, "dependsOn")
                message = f"Not existing task id '{name}' in the dependencies of '{task.id}'"
                report.error("dag", message, place, partial(did_you_mean, name, nodes))
    cycle = find_cycle({name: tuple(d for d in task.depends_on if d in nodes) for name, task in nodes.items()})
    if cycle:
        report.error("dag", f"Cyclic dependency detected: {' -> '.join(cycle)}", (*path, "tasks"))
