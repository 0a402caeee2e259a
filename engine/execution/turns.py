"""The turns of a LoopUntil: what follows when its tasks have run once more.

Owns the asking of the flowable and the waiting between two turns.
"""

from __future__ import annotations

from engine import expression
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.state import Scope
from engine.execution.task_runs import outputs_to_json
from engine.execution.variables import Renderer
from engine.flowables import Turned


def end_turn(draft: ExecutionDraft, scope: Scope) -> None:
    """Ask whether there is another turn, and begin it or wait for its time."""
    answer = _asked(draft, scope)
    draft.emit(e.TurnEnded(scope_id=scope.id, turn=scope.turn, at_ms=draft.at_ms, done=answer.done, error=answer.error))
    if answer.done:
        draft.agenda.append(scope.id)
    elif answer.wait_ms:
        draft.set_timer(f"turn/{scope.id}", draft.at_ms + answer.wait_ms)
    else:
        start_turn(draft, scope.id)


def start_turn(draft: ExecutionDraft, scope_id: str) -> None:
    """Begin the next turn of a loop that rests."""
    scope = draft.scope(scope_id)
    if scope is None or scope.closed is not None or not scope.resting:
        return
    turn = scope.turn + 1
    outputs_json = outputs_to_json({"iterationCount": turn})
    draft.emit(e.TurnStarted(scope_id=scope_id, turn=turn, at_ms=draft.at_ms, outputs_json=outputs_json))
    draft.agenda.append(scope_id)


def last_outputs(scope: Scope) -> bytes:
    """Return the outputs that a closed loop keeps, empty for other scopes."""
    return outputs_to_json({"iterationCount": scope.turn}) if scope.order == "until" else b""


def _asked(draft: ExecutionDraft, scope: Scope) -> Turned:
    planned = draft.planned(scope.task_id)
    run = draft.run(scope.id)
    assert planned.flowable is not None and planned.flowable.turned is not None and run is not None
    try:
        return planned.flowable.turned(planned.task, Renderer(draft, run), scope.turn, draft.at_ms - scope.opened_ms)
    except (expression.RenderError, expression.NeedsWorld, ValueError) as error:
        return Turned(done=True, error=str(error))
