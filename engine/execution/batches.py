"""The batches of a ForEachItem: an execution for each, some at once, until all have ended.

Owns which batch is next and what the task run comes to. How one is asked for is `children.py`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from engine import expression
from engine.execution import events as e
from engine.execution.asking import Answers, sealed_answers
from engine.execution.children import ask, ask_again, children_of, restarts
from engine.execution.draft import ExecutionDraft
from engine.execution.kin import Batches, Child, batches_key
from engine.execution.lines import error_lines
from engine.execution.state import INPUTS, Inputs, Output, Scope, TaskRun, output_key
from engine.execution.task_runs import end_attempt, outputs_to_json
from engine.execution.variables import Renderer
from engine.tasks import Call, CallEach
from engine.values import UNDONE, State

ACTIVE_MAX = 128
"""Executions of one task run that are asked for and haven't ended: so many have rows, and so many a kill reaches."""
WORST = (State.FAILED, State.KILLED, State.CANCELLED, State.WARNING)
"""States of children that become the task run's, the first of them that one came to."""


class _Split(msgspec.Struct):
    """Outputs of the task that made the batches."""

    splits: str
    count: int
    base: str
    suffix: str = ""


def open_batches(draft: ExecutionDraft, run: TaskRun, wish: CallEach) -> None:
    """Begin with the batches that the split made, or again with those that failed."""
    scope: Scope | None = draft.scope(run.scope_id)
    assert scope is not None
    output: Output | None = draft.get(output_key(wish.split, scope.path))
    try:
        split = msgspec.json.decode(output.json if output is not None else b"{}", type=_Split)
    except msgspec.ValidationError as error:
        _fail(draft, run, f"Expected the batches of task {wish.split}, but its outputs say otherwise: {error}")
        return
    draft.emit(e.BatchesOpened(task_run_id=run.id, total=split.count, base=split.base, suffix=split.suffix))
    go_on_batches(draft, run)


def go_on_batches(draft: ExecutionDraft, run: TaskRun) -> None:
    """Ask for further executions as far as there is room; end the task run when all have ended."""
    key = batches_key(run.id)
    batches: Batches = draft.get(key)
    if batches.active < ACTIVE_MAX and not draft.stopping and not _ask_more(draft, run):
        return
    batches = draft.get(key)
    if batches.active == 0 and (batches.started >= batches.total or draft.stopping):
        _end(draft, run, batches)


def _ask_more(draft: ExecutionDraft, run: TaskRun) -> bool:
    """Ask for what comes next, as much as a step and the bound hold; False if the task run has failed over it."""
    task = draft.task(run)
    key = batches_key(run.id)
    batches: Batches = draft.get(key)
    failed = [child for child in children_of(draft, run) if child.state is not None] if _has_failed(batches) else []
    inputs: Inputs = draft.get(INPUTS)
    sealed = sealed_answers(task, inputs.inputs_json, draft.setting)
    try:
        wish = _wish(draft, run)
        while (failed or batches.started < batches.total) and batches.active < ACTIVE_MAX:
            if draft.full:
                draft.set_timer(f"batch/{run.id}", draft.at_ms)
                return True
            _ask_one(draft, run, wish, failed.pop(0) if failed else None, batches, sealed)
            batches = draft.get(key)
    except expression.NeedsWorld as needed:
        _fail(draft, run, f"{needed}: what the flow of a batch is called with can't be asked of a worker")
        return False
    except (expression.RenderError, ValueError) as error:
        _fail(draft, run, expression.with_property(error, task.properties))
        return False
    return True


def _has_failed(batches: Batches) -> bool:
    """Tell whether batches wait for their execution to be restarted: asked for once, and counted nowhere now."""
    return sum(batches.ended.values()) + batches.active < batches.started


def _wish(draft: ExecutionDraft, run: TaskRun) -> Call:
    planned = draft.planned(run.task_id)
    assert planned.pure is not None
    wish = planned.pure.decide(planned.task, Renderer(draft, run))
    assert isinstance(wish, CallEach)
    return wish.call


def _ask_one(
    draft: ExecutionDraft, run: TaskRun, wish: Call, former: Child | None, batches: Batches, sealed: Answers
) -> None:
    """Ask for the execution of one batch: of a former one again, or of the next."""
    if former is not None and restarts(run, former, wish):
        ask_again(draft, run, former, wish)
        return
    index = batches.started if former is None else former.asked.index
    items = f"{batches.base}{index:08d}{batches.suffix}"
    rendered: Any = Renderer(draft, run, sealed, {"items": items, "iteration": index})(wish.inputs)
    replaces = former.asked.child_id if former is not None else ""
    ask(draft, run, replace(wish, inputs=rendered), replaces=replaces, index=index, items=items)


def _end(draft: ExecutionDraft, run: TaskRun, batches: Batches) -> None:
    """End the task run as the worst of its executions, unless that isn't to be passed on."""
    worst = next((state for state in WORST if batches.ended.get(state)), State.SUCCESS)
    task = draft.task(run)
    passed_on = task.properties.get("transmitFailed") is not False
    # Who doesn't wait never counts executions that have yet to run.
    at_once = task.properties.get("wait") is False
    outputs = {
        "numberOfBatches": batches.total,
        "iterations": {"RUNNING": 0, **batches.ended} if at_once else {"CREATED": 0, "RUNNING": 0, **batches.ended},
        "subflowOutputsBaseUri": batches.base,
    }
    error = ""
    if passed_on and worst in UNDONE:
        undone = sum(batches.ended.get(state, 0) for state in UNDONE)
        why = f": {batches.error}" if batches.error else ""
        error = f"{undone} of {batches.total} executions didn't end well{why}"
    end_attempt(
        draft,
        run,
        worst if passed_on else State.SUCCESS,
        outputs_json=outputs_to_json(outputs),
        error=error,
        lines=error_lines(error) if error else (),
    )


def _fail(draft: ExecutionDraft, run: TaskRun, error: str) -> None:
    end_attempt(draft, run, State.FAILED, error=error, lines=error_lines(error))
