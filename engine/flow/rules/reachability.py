"""Tasks that can never start: behind one that always ends the run, or in a branch whose condition never holds."""

from __future__ import annotations

from engine.flow.model import Flow, Task
from engine.flow.problems import Path, Report
from engine.flow.rules.structure import walk_paths
from engine.flow.types import CORE

_ENDING = frozenset({f"{CORE}execution.Fail", f"{CORE}execution.Exit"})
_FALSE = frozenset({"", "false", "0", "-0"})
_SIDE_BY_SIDE = frozenset(f"{CORE}flow.{name}" for name in ("Parallel", "Dag", "EachParallel"))
_IF = f"{CORE}flow.If"


def check_reachability(report: Report, flow: Flow) -> None:
    """Warn of tasks that never start."""
    ended: dict[tuple[Path, str | None], str] = {}
    for task, path, parent in walk_paths(flow):
        if not task.id or task.disabled:
            continue
        siblings = path[:-1] if isinstance(path[-1], int) else path
        key = (siblings, parent)
        if key in ended:
            message = f"Task '{task.id}' never starts: '{ended[key]}' before it always ends the run"
            report.warning("unreachable", message, path)
        elif parent not in _SIDE_BY_SIDE and _always_ends(task):
            ended[key] = task.id
        if task.type == _IF:
            _check_constant_if(report, task, path)
        if task.run_if is not None and task.run_if.strip() in _FALSE:
            report.warning("unreachable", f"Task '{task.id}' never starts: its 'runIf' is never true", (*path, "runIf"))


def _always_ends(task: Task) -> bool:
    return (
        task.type in _ENDING
        and task.properties.get("condition") is None
        and task.run_if is None
        and not task.allow_failure
    )


def _check_constant_if(report: Report, task: Task, path: Path) -> None:
    condition = task.properties.get("condition")
    if isinstance(condition, bool):
        text = "true" if condition else "false"
    elif isinstance(condition, str) and "{" not in condition:
        text = condition.strip()
    else:
        return
    branch = "then" if text in _FALSE else "else"
    if task.branches.get(branch):
        message = f"The '{branch}' branch of '{task.id}' never runs: its condition is always {text or 'empty'}"
        report.warning("unreachable", message, (*path, branch))
