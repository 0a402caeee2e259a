"""The turns of a LoopUntil: what follows when its tasks have run once more.

Owns the asking of the flowable and the waiting between two turns.
"""

from __future__ import annotations

from engine import expression
from engine.execution import events as e
from engine.execution.asking import TURN, Answers, answers_of
from engine.execution.draft import ExecutionDraft
from engine.execution.state import Scope, TaskRun
from engine.execution.task_runs import begin_attempt, dispatch, outputs_to_json
from engine.execution.variables import Renderer
from engine.flowables import Turned


def end_turn(draft: ExecutionDraft, scope: Scope, answers: Answers | None = None) -> None:
    """Ask whether there is another turn, and begin it or wait for its time; a worker may have to be asked first."""
    run = draft.run(scope.id)
    assert run is not None
    if run.asking:
        return
    try:
        answer = _asked(draft, scope, run, answers)
    except expression.NeedsWorld as needed:
        if answers is None:
            dispatch(draft, run.id, run.epoch + 1, TURN)
            return
        answer = Turned(done=True, error=str(needed))
    draft.emit(e.TurnEnded(scope_id=scope.id, turn=scope.turn, at_ms=draft.at_ms, done=answer.done, error=answer.error))
    if answer.done:
        draft.agenda.append(scope.id)
    elif answer.wait_ms:
        draft.set_timer(f"turn/{scope.id}", draft.at_ms + answer.wait_ms)
    else:
        start_turn(draft, scope.id)


def turn_answered(draft: ExecutionDraft, run: TaskRun, outputs_json: bytes) -> None:
    """Go on with a turn's end for which a worker rendered something.

    Raises:
        ValueError: If its answer doesn't fit.
    """
    answers = answers_of(draft.task(run), TURN, outputs_json, draft.setting)
    scope = _taken_back(draft, run)
    if draft.stopping:
        draft.agenda.append(scope.id)
    else:
        end_turn(draft, scope, answers)


def turn_failed(draft: ExecutionDraft, run: TaskRun, error: str) -> None:
    """End a loop whose condition a worker couldn't render."""
    scope = _taken_back(draft, run)
    why = error or "The condition can't be rendered"
    draft.emit(e.TurnEnded(scope_id=scope.id, turn=scope.turn, at_ms=draft.at_ms, done=True, error=why))
    draft.agenda.append(scope.id)


def _taken_back(draft: ExecutionDraft, run: TaskRun) -> Scope:
    """Let the engine have the task run again after a worker had it; return the loop's scope."""
    begin_attempt(draft, run, run.epoch)
    scope = draft.scope(run.id)
    assert scope is not None
    return scope


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


def _asked(draft: ExecutionDraft, scope: Scope, run: TaskRun, answers: Answers | None) -> Turned:
    planned = draft.planned(scope.task_id)
    assert planned.flowable is not None and planned.flowable.turned is not None
    render = Renderer(draft, run, answers)
    try:
        return planned.flowable.turned(planned.task, render, scope.turn, draft.at_ms - scope.opened_ms)
    except (expression.RenderError, ValueError) as error:
        return Turned(done=True, error=expression.with_property(error, planned.task.properties))
