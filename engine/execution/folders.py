"""Folders that the tasks of a flowable share: what a worker does there for the flowable itself, and when one may go.

Owns which work that is. The folder is named by the flowable's task run, so that a restart finds the files again; where
it lies and who may enter it is the worker's.
"""

from __future__ import annotations

from typing import Any

from engine.execution.asking import COLLECT, PREPARE
from engine.execution.draft import ExecutionDraft
from engine.execution.effects import DiscardFolder
from engine.execution.plan import PlannedTask
from engine.execution.state import TaskRun
from engine.execution.task_runs import dispatch
from engine.values import UNDONE, State


def work_of(planned: PlannedTask, asks: str) -> dict[str, Any]:
    """Return the properties for which a worker has something to do, none if the engine needn't ask.

    Args:
        planned: The flowable.
        asks: `PREPARE` or `COLLECT`.
    """
    flowable, written = planned.flowable, planned.task.properties
    if flowable is None:
        return {}
    return {name: written[name] for name in _READ[asks](flowable) if written.get(name)}


def folder_of(planned: PlannedTask, run: TaskRun) -> str:
    """Return the name of the shared folder that an attempt runs in, empty if it has one of its own."""
    if run.asking in _READ:
        return run.id
    return run.scope_id if planned.shared and not run.asking else ""


def collects(draft: ExecutionDraft, run: TaskRun) -> bool:
    """Let a worker keep what is to be kept of a flowable's folder; False if there is nothing that it could keep."""
    if run.asking == COLLECT:
        return True
    if not work_of(draft.planned(run.task_id), COLLECT):
        return False
    dispatch(draft, run.id, run.epoch + 1, COLLECT)
    return True


def let_go(draft: ExecutionDraft, run: TaskRun, state: State) -> None:
    """Let the folder of a flowable be removed that ended in `state`, unless a restart comes back to it."""
    planned = draft.planned(run.task_id)
    if planned.flowable is None or not planned.flowable.shared or state in UNDONE:
        return
    if work_of(planned, PREPARE) or any(_at_worker(draft, task.id) for task in planned.branches.get("tasks", ())):
        draft.answers.append(DiscardFolder(folder=run.id))


def _at_worker(draft: ExecutionDraft, task_id: str) -> bool:
    return draft.planned(task_id).pure is None


_READ = {PREPARE: lambda flowable: flowable.prepare, COLLECT: lambda flowable: flowable.collect}
