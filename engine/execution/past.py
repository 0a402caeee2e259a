"""The task runs of an execution as they stand to each other, told from what the views keep of it.

Owns which comes before which, and in which place each would stand in another execution. Its rows don't tell: of a
loop's iterations that ended well none are left. What is made of it is `replay.py`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from engine.errors import Reason, Rejected
from engine.execution.carried import Moment
from engine.execution.plan import Plan, PlannedTask
from engine.execution.state import ROOT, iteration_scope_id, place_of, task_run_id
from engine.flow.model import Flow
from engine.values import State

TASKS = -1
"""The phase of those that don't follow upon others."""


class Stand(msgspec.Struct, frozen=True):
    """Where a task stands in its flow, also one into which another unfolds."""

    parent: str | None
    branch: str
    position: int


def stands_of(flow: Flow) -> dict[str, Stand]:
    """Return where each task of a flow stands, by its id."""
    found = {id: Stand(place.parent, place.branch, place.position) for id, place in flow.places.items()}
    for id, planned in Plan(flow).tasks.items():
        for position, task in enumerate(planned.branches.get("tasks", ())):
            found.setdefault(task.id, Stand(id, "tasks", position))
    return found


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A task run of an execution."""

    id: str
    task_id: str
    state: State
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    attempts: int = 0
    history: tuple[Moment, ...] = ()
    outputs_json: bytes = b""
    error: str = ""


class Past:
    """The task runs of an execution as a tree.

    Args:
        flow: The revision that it ran.
        runs: All its task runs, in the order in which they began.
    """

    def __init__(self, flow: Flow, runs: Iterable[Ran]) -> None:
        self.by_id: dict[str, Ran] = {}
        self.stands = stands_of(flow)
        plan = Plan(flow)
        self._tasks = plan.tasks
        self._phases = ("errors", "finally", *plan.after)
        self._children: defaultdict[str | None, list[Ran]] = defaultdict(list)
        for run in runs:
            self.by_id[run.id] = run
            self._children[run.parent_id].append(run)
        self._paths: dict[str, tuple[str, ...]] = {}

    def planned(self, run: Ran) -> PlannedTask:
        """Return what is known of its task."""
        return self._tasks[run.task_id]

    def children(self, run: Ran | None) -> list[Ran]:
        """Return the task runs right below one, or at the top of the flow: those that the engine began."""
        return [each for each in self._children[None if run is None else run.id] if each.task_id in self._tasks]

    def all_below(self, run: Ran) -> Iterable[Ran]:
        """Yield every task run below one, parents before children."""
        for each in self._children[run.id]:
            yield each
            yield from self.all_below(each)

    def parent(self, run: Ran) -> Ran | None:
        """Return the task run that one is right below."""
        return None if run.parent_id is None else self.by_id[run.parent_id]

    def way_to(self, chosen: str) -> list[Ran]:
        """Return the task runs from the top of the flow down to one, or to the one above it that only runs as a whole.

        Raises:
            Rejected: If there is no such task run, or none that is a task of the flow.
        """
        run = self.by_id.get(chosen)
        if run is None:
            raise Rejected(Reason.NOT_FOUND, f"Expected a task run of the execution to replay from, but got {chosen}")
        way: list[Ran] = []
        while run is not None:
            way.insert(0, run)
            run = self.parent(run)
        for index, each in enumerate(way):
            if each.task_id not in self._tasks:
                raise Rejected(Reason.INVALID_ARGUMENT, f"Expected a task of the flow, but {each.task_id!r} is none")
            if not self.opens(each):
                return way[: index + 1]
        return way

    # ---- how they stand to each other -------------------------------------------------------------------------------

    def opens(self, run: Ran) -> bool:
        """Tell whether what is below it may begin by itself; not where tasks share a folder, as a new one is empty."""
        planned = self.planned(run)
        return not planned.flowable.shared if planned.flowable is not None else planned.pure is not None

    def phase(self, run: Ran) -> int:
        """Return TASKS for a task run among its scope's tasks, else the number of the phase that follows upon them."""
        branch = self.stands[run.task_id].branch
        return self._phases.index(branch) if branch in self._phases else TASKS

    def last_turn(self, run: Ran) -> int | None:
        """Return the iteration of the last turn of a LoopUntil; None for all else."""
        flowable = self.planned(run).flowable
        if flowable is None or flowable.order != "until":
            return None
        return max((each.iteration or 0 for each in self.children(run)), default=0)

    def follows(self, other: Ran, run: Ran) -> bool:
        """Tell whether `other`, of the same scope and phase, comes only after `run`; not so what stands beside it."""
        parent = self.parent(run)
        planned = self.planned(parent) if parent is not None else None
        order = "sequential"
        if planned is not None and planned.flowable is not None and self.phase(run) == TASKS:
            order = planned.flowable.order
            if order == "loop":
                if other.iteration != run.iteration:
                    later = (other.iteration or 0) > (run.iteration or 0)
                    return later and not planned.flowable.abreast(planned.task)
                order = planned.flowable.inner(planned.task)
        if order == "parallel":
            return False
        if order == "dag":
            return run.task_id in self._needed_by(other.task_id)
        return self.stands[other.task_id].position > self.stands[run.task_id].position

    def _needed_by(self, task_id: str) -> set[str]:
        """Return the ids of all siblings in a Dag that a task waits for."""
        found: set[str] = set()
        open_ids = [task_id]
        while open_ids:
            planned = self._tasks.get(open_ids.pop())
            for needed in planned.task.depends_on if planned is not None else ():
                if needed not in found:
                    found.add(needed)
                    open_ids.append(needed)
        return found

    # ---- places -----------------------------------------------------------------------------------------------------

    def ids_in(self, execution_id: str) -> dict[str, str]:
        """Return the ids that these task runs would have in another execution, by their own; see `start.py`."""
        ids: dict[str, str] = {}

        def id_of(run: Ran) -> str:
            if run.id not in ids:
                place = ROOT
                parent = self.parent(run)
                if parent is not None:
                    place = id_of(parent)
                    if run.iteration is not None:
                        of_loop = self._loops(parent)
                        turn = run.iteration + 1
                        place = iteration_scope_id(place, run.iteration) if of_loop else place_of(place, turn)
                ids[run.id] = task_run_id(execution_id, place, run.task_id)
            return ids[run.id]

        for run in self.by_id.values():
            id_of(run)
        return ids

    def path(self, run: Ran) -> tuple[str, ...]:
        """Return the values of the loops around a task run, outermost first."""
        parent = self.parent(run)
        if parent is None:
            return ()
        path = self._paths.get(parent.id)
        if path is None:
            path = self._paths[parent.id] = self.path(parent)
        return (*path, run.value) if run.value is not None and self._loops(parent) else path

    def _loops(self, run: Ran) -> bool:
        planned = self._tasks.get(run.task_id)
        return planned is not None and planned.flowable is not None and planned.flowable.loops
