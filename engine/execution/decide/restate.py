"""Saying of a task run that it ended in another state, and going on with that."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.decide.delete import refuse_deleted
from engine.execution.decide.restart import enter_again
from engine.execution.decide.state import ENDS
from engine.execution.draft import ExecutionDraft
from engine.execution.recall import check_known, recall
from engine.execution.state import ROOT, TaskRun


def change_task_run_state(draft: ExecutionDraft, command: c.ChangeTaskRunState) -> None:
    """Change the end of a task run; what is around it goes on as if it had ended like that. The same changes nothing.

    Raises:
        Rejected: If the execution hasn't ended, the state is no end, or nothing can go on from that task run.
    """
    refuse_deleted(draft)
    header = draft.header
    if not header.settled:
        raise Rejected(Reason.INVALID_STATE, f"Expected an ended execution, but {draft.id} is {header.state}")
    if command.state not in ENDS:
        raise Rejected(Reason.INVALID_ARGUMENT, f"Expected one of {', '.join(ENDS)}, but got {command.state}")
    check_known(draft)
    run = draft.run(command.task_run_id)
    if run is None:
        raise Rejected(
            Reason.NOT_FOUND,
            f"Expected a task run of {draft.id}, and if it stands in a loop one that didn't end well, but "
            f"{command.task_run_id} is none",
        )
    if not run.state.is_terminal:
        raise Rejected(Reason.INVALID_STATE, f"Expected a task run that has ended, but {run.task_id} is {run.state}")
    _check_place(draft, run)
    if command.state is run.state:
        return
    recall(draft)
    draft.emit(e.TaskRunRestated(task_run_id=run.id, state=command.state, at_ms=draft.at_ms))
    draft.emit(
        e.ExecutionRestarted(at_ms=draft.at_ms, attempt=header.attempt + 1, revision=header.revision, around=run.id)
    )
    enter_again(draft)


def _check_place(draft: ExecutionDraft, run: TaskRun) -> None:
    """Refuse a task run around which nothing can go on."""
    if draft.planned(run.task_id).handler:
        raise Rejected(
            Reason.INVALID_ARGUMENT,
            f"Expected a task whose end decides what follows, but {run.task_id} only handles the end of others",
        )
    scope = draft.scope(run.scope_id)
    why = "came with the one around it from another execution: change the state of that one"
    while scope is not None:
        if scope.active or (scope.closed is None and scope.id != ROOT):
            why = "stands beside some that never ended, as the execution was given up: restart it"
            break
        if scope.id == ROOT:
            return
        flowable = draft.planned(scope.task_id).flowable
        if flowable is not None and flowable.shared:
            why = f"ran in a folder that may be gone: change the state of {scope.task_id}"
            break
        scope = draft.scope(scope.parent_scope_id)
    raise Rejected(Reason.INVALID_STATE, f"Expected a task run around which {draft.id} can go on, but {run.id} {why}")
