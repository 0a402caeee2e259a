"""Restarting an ended execution: what failed runs once more, under the same ids; what succeeded stays.

Owns which task runs that are. It goes from the flow down: a scope whose end was good, or was tolerated, stays closed
with everything below it; of a loop only the iterations that failed are opened again.
"""

from __future__ import annotations

from collections import defaultdict

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.callers import accept, call_caller, name_caller, refuse
from engine.execution.conclusion import outputs_of
from engine.execution.decide.create import begin
from engine.execution.decide.delete import refuse_deleted
from engine.execution.draft import ExecutionDraft
from engine.execution.kin import AWAITED, Awaited
from engine.execution.recall import recall
from engine.execution.scopes import proceed
from engine.execution.sla import watch
from engine.execution.slot import is_limited, request_slot
from engine.execution.start import again
from engine.execution.state import HEADER, ROOT, Header, Scope, TaskRun
from engine.values import TERMINAL, UNDONE, State

RESTARTED = "system.restarted"


def restart_execution(draft: ExecutionDraft, command: c.RestartExecution) -> None:
    """Run again, as soon as there is a slot if the flow has a limit.

    Raises:
        Rejected: If nothing of the execution is to be run again, or another revision is asked for.
    """
    if command.asked_by and _is_called(draft, command):
        return
    refuse_deleted(draft)
    header = draft.header
    if header.state not in UNDONE:
        raise Rejected(
            Reason.INVALID_STATE,
            f"Expected a FAILED, KILLED or CANCELLED execution to restart, but {draft.id} is {header.state}",
        )
    if not header.settled:
        raise Rejected(Reason.INVALID_STATE, f"Expected an ended execution, but tasks after the end of {draft.id} run")
    if command.revision is not None and command.revision != header.revision:
        raise Rejected(
            Reason.INVALID_ARGUMENT,
            f"Expected revision {header.revision}, with which {draft.id} began, but got {command.revision}: replay it "
            f"to run another revision",
        )
    recall(draft)
    draft.emit(e.ExecutionRestarted(at_ms=draft.at_ms, attempt=header.attempt + 1, revision=header.revision))
    if header.labels.get(RESTARTED) != "true":
        draft.emit(e.LabelsUpdated(labels={**header.labels, RESTARTED: "true"}, at_ms=draft.at_ms))
    enter_again(draft)


def enter_again(draft: ExecutionDraft) -> None:
    """Let a restarted execution go on, as soon as it has a slot if its flow has a limit."""
    watch(draft)
    if is_limited(draft.flow):
        request_slot(draft)
    elif draft.scope(ROOT) is None:
        begin(draft)
    else:
        run_again(draft)


def run_again(draft: ExecutionDraft) -> None:
    """Reopen what is to go on, and the flowables around it; forget the runs of `errors` and `finally`."""
    root = draft.scope(ROOT)
    assert root is not None, draft.id
    restated = draft.run(draft.header.restated) if draft.header.restated else None
    if restated is not None:
        _Reopening(draft).reenter(restated)
        draft.agenda.append(restated.scope_id)
    else:
        _Reopening(draft).reopen(root)
    draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))
    if restated is None:
        go_on_restarting(draft)
    proceed(draft)


def _is_called(draft: ExecutionDraft, command: c.RestartExecution) -> bool:
    """Take the call of another execution in; True if nothing is to be restarted for it."""
    awaited: Awaited | None = draft.get(AWAITED)
    header: Header | None = draft.get(HEADER)
    if header is None or header.deleted:
        refuse(draft, command, f"Execution {draft.id} isn't there any more, so it can't be restarted")
        return True
    if awaited is not None and awaited.caller == command.caller:
        accept(draft, command)
        return True  # the same call once more
    if header.ended_ms and not header.settled:
        refuse(draft, command, f"Execution {draft.id} can't be restarted yet: tasks after its end run")
        return True
    accept(draft, command)
    name_caller(draft, command.caller)
    if header.state in UNDONE and header.settled:
        return False
    if header.settled:
        # It has ended well since: a person restarted it.
        outputs_json, error = outputs_of(draft)
        call_caller(draft, header.state, outputs_json, error)
    return True


def go_on_restarting(draft: ExecutionDraft) -> None:
    """Begin the next attempt of what was reopened, as much as a step holds; a timer goes on with the rest."""
    for _key, run in list(draft.scan("t/")):
        if run.state is State.RESTARTED:
            if draft.full:
                draft.set_timer("restart/", draft.at_ms)
                return
            again(draft, run)
    draft.agenda.extend(scope.id for _key, scope in list(draft.scan("s/")) if scope.closed is None)


class _Reopening:
    """The rows of one execution, by who is around them."""

    def __init__(self, draft: ExecutionDraft) -> None:
        self._draft = draft
        self._runs: dict[str, list[TaskRun]] = defaultdict(list)
        self._iterations: dict[str, list[Scope]] = defaultdict(list)
        self._scopes: dict[str, Scope] = {}
        for _key, run in draft.scan("t/"):
            self._runs[run.scope_id].append(run)
        for _key, scope in draft.scan("s/"):
            self._scopes[scope.id] = scope
            if scope.iteration is not None:
                self._iterations[scope.parent_scope_id].append(scope)

    def reopen(self, scope: Scope) -> None:
        """Open a scope again, and below it what failed."""
        draft = self._draft
        if scope.order == "loop":
            iterations = [inner for inner in self._iterations[scope.id] if _undone(inner.closed)]
            draft.emit(e.ScopeReopened(scope_id=scope.id, reopened=len(iterations)))
            for inner in iterations:
                self.reopen(inner)
        runs = self._runs[scope.id]
        handlers = [run for run in runs if draft.planned(run.task_id).handler]
        children = [run for run in runs if _undone(run.state) and not draft.planned(run.task_id).handler]
        if scope.order != "loop":
            task_ids = tuple(run.task_id for run in children)
            draft.emit(e.ScopeReopened(scope_id=scope.id, reopened=len(children), task_ids=task_ids))
        for run in handlers:
            self._remove(run)
        for run in children:
            own = self._scopes.get(run.id)
            state = State.RESTARTED if own is None else State.RUNNING
            draft.emit(e.TaskRunReopened(task_run_id=run.id, state=state, at_ms=draft.at_ms))
            if own is not None:
                self.reopen(own)
                continue
            for below in self._runs[run.id]:  # it was carried here from another execution, with what it had below it
                self._remove(below)

    def reenter(self, run: TaskRun) -> None:
        """Open the scopes around a task run whose state was changed, without running again what else failed in them."""
        draft = self._draft
        scope = self._scopes[run.scope_id]
        draft.emit(e.ScopeReentered(scope_id=scope.id))
        self._forget_handlers(scope)
        while scope.id != ROOT:
            around = self._scopes[scope.parent_scope_id]
            if scope.iteration is not None:
                child_id, task_id, was = scope.id, "", scope.closed
            else:
                own = draft.run(scope.id)
                assert own is not None, scope.id
                child_id, task_id, was = own.id, own.task_id, own.state
                draft.emit(e.TaskRunReopened(task_run_id=own.id, state=State.RUNNING, at_ms=draft.at_ms))
            assert was is not None, scope.id
            draft.emit(e.ScopeReentered(scope_id=around.id, child_id=child_id, task_id=task_id, was=was))
            self._forget_handlers(around)
            scope = around

    def _forget_handlers(self, scope: Scope) -> None:
        for run in self._runs[scope.id]:
            if self._draft.planned(run.task_id).handler:
                self._remove(run)

    def _remove(self, run: TaskRun) -> None:
        """Forget a task run, and first what is below it."""
        for child in self._runs[run.id]:
            self._remove(child)
        for inner in self._iterations[run.id]:
            for child in self._runs[inner.id]:
                self._remove(child)
        self._draft.emit(e.TaskRunRemoved(task_run_id=run.id))


def _undone(state: State | None) -> bool:
    """Tell whether what came to this state runs again; what never came to an end does, too."""
    return state is None or state in UNDONE or state not in TERMINAL
