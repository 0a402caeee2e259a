"""Restarting an ended execution: what failed runs once more, under the same ids; what succeeded stays."""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.state import ROOT, Scope, TaskRun
from engine.execution.task_runs import again, has_scope
from engine.values import State

RESTARTABLE = frozenset({State.FAILED, State.KILLED, State.CANCELLED})
_HANDLERS = frozenset({"errors", "finally", "afterExecution"})


def restart_execution(draft: ExecutionDraft, command: c.RestartExecution) -> None:
    """Reopen failed and killed task runs and the flowables around them; forget the runs of `errors` and `finally`."""
    header = draft.header
    if header.state not in RESTARTABLE or not header.settled:
        raise Rejected(
            Reason.INVALID_STATE, f"Expected a FAILED or KILLED execution to restart, but {draft.id} is {header.state}"
        )
    revision = command.revision or header.revision
    draft.emit(e.ExecutionRestarted(at_ms=draft.at_ms, attempt=header.attempt + 1, revision=revision))
    runs: list[TaskRun] = [run for _key, run in list(draft.scan("t/"))]
    kept: list[TaskRun] = []
    for run in runs:
        if run.task_id not in draft.flow.places:
            continue
        if _is_handler(draft, run.task_id):
            draft.emit(e.TaskRunRemoved(task_run_id=run.id))
        else:
            kept.append(run)
    leaves = [run for run in kept if run.state in (State.FAILED, State.KILLED) and not has_scope(draft, run)]
    _reopen_scopes(draft, leaves)
    draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))
    for run in leaves:
        draft.emit(e.TaskRunReopened(task_run_id=run.id, state=State.CREATED, at_ms=draft.at_ms))
        reopened = draft.run(run.id)
        assert reopened is not None
        again(draft, reopened)
    draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)
    proceed(draft)


def _is_handler(draft: ExecutionDraft, task_id: str) -> bool:
    place = draft.flow.places[task_id]
    while True:
        if place.branch in _HANDLERS:
            return True
        if place.parent is None:
            return False
        place = draft.flow.places[place.parent]


def _reopen_scopes(draft: ExecutionDraft, leaves: list[TaskRun]) -> None:
    """Open every scope from the failed task runs up to the root, each counting its reopened children."""
    reopened: dict[str, set[str]] = {ROOT: set()}
    for run in leaves:
        child, scope = run.id, draft.scope(run.scope_id)
        while scope is not None:
            reopened.setdefault(scope.id, set()).add(child)
            if scope.id == ROOT:
                break
            child, scope = scope.id, draft.scope(scope.parent_scope_id)
    for scope_id, children in reopened.items():
        scope = draft.scope(scope_id)
        if scope is None:
            continue
        draft.emit(e.ScopeReopened(scope_id=scope_id, failed=len(children), task_ids=_task_ids(draft, scope, children)))
        if scope_id != ROOT and scope.iteration is None:
            draft.emit(e.TaskRunReopened(task_run_id=scope_id, state=State.RUNNING, at_ms=draft.at_ms))


def _task_ids(draft: ExecutionDraft, scope: Scope, children: set[str]) -> tuple[str, ...]:
    if scope.order == "loop":
        return ()
    runs = (draft.run(child) for child in sorted(children))
    return tuple(run.task_id for run in runs if run is not None)
