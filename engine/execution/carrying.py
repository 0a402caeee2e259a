"""What becomes of a task run in whose place one of another execution counts.

Owns the taking over when the place is reached: the end that it had, a further attempt, or children that go on. Which
task runs are carried is worked out before the execution begins, see `replay.py`.
"""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.carried import CarriedRun
from engine.execution.draft import ExecutionDraft
from engine.execution.state import Carried, Scope, TaskRun, carried_key
from engine.execution.task_runs import open_scope, outputs_to_json
from engine.values import UNDONE, State


def take_over(draft: ExecutionDraft, scope: Scope, run: TaskRun) -> TaskRun | None:
    """Begin a task run with what was carried to its place.

    Args:
        draft: The execution.
        scope: Where the task run begins.
        run: The task run as it is to begin.

    Returns:
        Its row, RESTARTED if its next attempt is to begin now; None if nothing was carried there, or for another value
        of the loops around it.
    """
    carried: Carried | None = draft.get(carried_key(run.id))
    if carried is None or carried.run.path != scope.path:
        return None
    was = carried.run
    draft.emit(_event(draft, was, run.scope_id))
    for each in carried.below:
        keeps_row = was.state.is_terminal and (not each.path or was.state in UNDONE)
        draft.emit(_event(draft, each, run.id if keeps_row else ""))
    if was.state.is_terminal:
        draft.agenda.append(scope.id)
    row = draft.run(run.id)
    if row is not None and was.state is State.RUNNING:
        _go_on_below(draft, scope, row, carried)
    return row if row is not None else run


def _event(draft: ExecutionDraft, was: CarriedRun, scope_id: str) -> e.TaskRunCarried:
    return e.TaskRunCarried(
        task_run_id=was.id,
        task_id=was.task_id,
        scope_id=scope_id,
        state=was.state,
        at_ms=draft.at_ms,
        parent_id=was.parent_id,
        value=was.value,
        iteration=was.iteration,
        path=was.path,
        attempts=was.attempts,
        history=was.history,
        outputs_json=was.outputs_json,
        error=was.error,
        top=was.top,
    )


def _go_on_below(draft: ExecutionDraft, scope: Scope, run: TaskRun, carried: Carried) -> None:
    """Open the scope of a Pause that was resumed, or of a LoopUntil in the turn in which it was."""
    flowable = draft.planned(run.task_id).flowable
    if flowable is None:
        open_scope(draft, run, scope, order="sequential")
        return
    turn = carried.run.turn
    outputs_json = outputs_to_json({"iterationCount": turn})
    warned = sum(each.parent_id == run.id and each.state is State.WARNING for each in carried.below)
    open_scope(draft, run, scope, order=flowable.order, outputs_json=outputs_json, warned=warned)
    if turn > 1:
        draft.emit(e.TurnStarted(scope_id=run.id, turn=turn, at_ms=draft.at_ms, outputs_json=outputs_json))
