"""What a flow means to the execution of any of its tasks, worked out once per revision.

Owns the answers that don't depend on an execution: which tasks of a branch are enabled, how many loops are around a
task, which retry holds for it, who decides it. Deciders look them up; nothing here is part of an execution's state.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.flow.model import Flow, Retry, Task
from engine.flowables import Flowable, flowable_of
from engine.seals import secret_names
from engine.tasks import PureTask, pure_task_of

AFTER = "afterExecution"
HANDLERS = frozenset({"errors", "finally", AFTER})
"""Branches that follow upon the others, as those of listeners do; a restart forgets what they ran."""
_LISTENER = "listeners."


class PlannedTask(msgspec.Struct, frozen=True):
    """One task of a flow."""

    task: Task
    flowable: Flowable | None
    """How its children are run; None if it is no flowable."""
    pure: PureTask | None
    """How the engine decides it; None if only a worker can, or is to."""
    retry: Retry | None
    """Its own policy, else that of the nearest flowable around it, else the flow's."""
    depth: int
    """Loops around it: levels of its outputs."""
    branches: Mapping[str, tuple[Task, ...]]
    """Enabled children by branch."""
    handler: bool
    """True if it stands in (or anywhere below) a branch of `HANDLERS` or of a listener."""
    variable: Mapping[str, str]
    """What templates read as `task`."""
    shared: bool
    """True if it runs in the folder of the flowable that it stands in."""


class Plan:
    """A flow's tasks by id.

    Args:
        flow: The revision.
    """

    def __init__(self, flow: Flow) -> None:
        self.secrets = secret_names(flow.inputs)
        """See `engine.seals`."""
        self.branches = _enabled(flow.branches)
        """Enabled tasks at the top of the flow by branch."""
        listeners = [branch for branch in self.branches if listener_of(branch) is not None]
        self.after = tuple(branch for branch in (*listeners, AFTER) if self.branches.get(branch))
        """Branches that may run after the execution's end, in their order."""
        self.asserts = any(sla.assertion is not None for sla in flow.sla)
        """True if something of an execution is to be looked at whenever it changes."""
        self.tasks: dict[str, PlannedTask] = {}
        for place in flow.places.values():
            parent = self.tasks[place.parent] if place.parent is not None else None
            self._add(place.task, place.branch, parent, flow.retry)

    def _add(self, task: Task, branch: str, parent: PlannedTask | None, retry: Retry | None) -> None:
        """Work one task out, and those into which it unfolds; `retry` is the flow's policy."""
        inherited = parent.retry if parent is not None else retry
        around = parent.flowable if parent is not None else None
        loops = around is not None and around.loops
        flowable = flowable_of(task.type)
        branches = flowable.unfolds(task) if flowable is not None and flowable.unfolds is not None else task.branches
        planned = self.tasks[task.id] = PlannedTask(
            task=task,
            flowable=flowable,
            pure=_pure(task),
            retry=task.retry if task.retry is not None else inherited,
            depth=(parent.depth if parent is not None else 0) + loops,
            branches=_enabled(branches),
            handler=branch in HANDLERS or listener_of(branch) is not None or (parent is not None and parent.handler),
            variable={"id": task.id, "type": task.declared_type or task.type},
            shared=around is not None and around.shared and branch == "tasks",
        )
        if branches is not task.branches:
            for inner in branches["tasks"]:
                self._add(inner, "tasks", planned, retry)


def listener_of(branch: str) -> int | None:
    """Return which listener's tasks a branch at the top of a flow holds, None if it isn't a listener's.

    Example:
        >>> listener_of("listeners.1"), listener_of("tasks")
        (1, None)
    """
    return int(branch.removeprefix(_LISTENER)) if branch.startswith(_LISTENER) else None


def runs_after(phase: str) -> bool:
    """True if a phase of a flow runs after the execution's end."""
    return phase == AFTER or listener_of(phase) is not None


def _pure(task: Task) -> PureTask | None:
    """Return how the engine decides a task, None if a worker runs it: as for a group of workers, or a file of lines."""
    pure = pure_task_of(task.type)
    needs_worker = task.worker_group is not None or task.log_to_file
    return None if pure is None or (needs_worker and not pure.asks) else pure


def _enabled(branches: Mapping[str, tuple[Task, ...]]) -> dict[str, tuple[Task, ...]]:
    return {branch: tuple(task for task in tasks if not task.disabled) for branch, tasks in branches.items()}
