"""What runs after an execution's end: the listeners of old flows whose conditions hold, then `afterExecution`.

Owns which of these phases is next. Within one, tasks follow each other as in `finally` (`scopes.py`), and nothing that
becomes of them changes the execution's state.
"""

from __future__ import annotations

from typing import Any

from engine.execution import events as e
from engine.execution.conclusion import settle
from engine.execution.draft import ExecutionDraft
from engine.execution.plan import listener_of
from engine.execution.start import refuse
from engine.execution.state import ENDING, Scope
from engine.execution.variables import Renderer
from engine.trigger.conditions import Facts, Unanswerable, Upstream, all_hold
from engine.values import State


def go_on_after(draft: ExecutionDraft, scope: Scope) -> None:
    """Enter the next phase that is to run, or settle the execution.

    Args:
        draft: An execution that has ended.
        scope: The flow's own; its phase is over.
    """
    phases = draft.plan.after
    done = phases.index(scope.phase) + 1 if scope.phase in phases else 0
    for phase in phases[done:]:
        problem = ""
        try:
            if not _holds(draft, phase):
                continue
        except Unanswerable as error:
            problem = f"conditions: {error}"
        draft.emit(e.ScopePhaseChanged(scope_id=scope.id, phase=phase))
        draft.agenda.append(scope.id)
        if problem:
            entered = draft.scope(scope.id)
            assert entered is not None
            refuse(draft, entered, draft.plan.branches[phase][0], problem)
        return
    settle(draft)


def _holds(draft: ExecutionDraft, phase: str) -> bool:
    """Return whether a phase is to run; only listeners have conditions.

    Raises:
        Unanswerable: If one of them can't be evaluated.
    """
    index = listener_of(phase)
    if index is None:
        return True
    conditions: Any = draft.flow.extra["listeners"][index].get("conditions")
    if not isinstance(conditions, list):
        return True
    header = draft.header
    upstream = Upstream(
        namespace=header.namespace,
        flow_id=header.flow_id,
        state=header.state,
        labels=header.labels,
        has_outputs=draft.get(ENDING) is not None,
        attempts=lambda: _attempts(draft),
    )
    return all_hold(conditions, None, Facts(scope=Renderer(draft).scope, upstream=upstream))


def _attempts(draft: ExecutionDraft) -> set[State]:
    """Return the states of all attempts that the rows still tell of."""
    found: set[State] = set()
    for _key, run in draft.scan("t/"):
        found.add(run.state)
        if run.tried:
            found.add(State.FAILED)
    return found
