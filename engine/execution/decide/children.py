"""What an execution hears of those that its task runs asked for, and that its own caller has heard of its end.

Each answer may come twice, or late: what isn't waited for any more changes nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.batches import go_on_batches
from engine.execution.callers import answer
from engine.execution.children import kill_of
from engine.execution.conclusion import GOOD
from engine.execution.draft import ExecutionDraft
from engine.execution.kin import AWAITED, Awaited, Child, child_key
from engine.execution.lines import error_lines
from engine.execution.scopes import proceed
from engine.execution.state import TaskRun
from engine.execution.task_runs import end_attempt, outputs_to_json
from engine.values import State

PASSED_ON = frozenset({State.FAILED, State.KILLED, State.WARNING, State.CANCELLED})
"""Ends of a child that become its task run's, unless `transmitFailed` is false."""


def child_accepted(draft: ExecutionDraft, command: c.ChildAccepted) -> None:
    """Note that the child exists; one that nobody waits for any more is killed."""
    child: Child | None = draft.get(child_key(command.task_run_id, command.child_id))
    if child is None or child.killing or child.state is not None:
        if command.waits:
            draft.answers.append(kill_of(command.child_id, draft.id, command.task_run_id))
        return
    if child.accepted:
        return
    outputs_json = outputs_to_json({"executionId": command.child_id})
    run = _calling(draft, command.task_run_id)
    alone = run is not None and child.asked.index < 0
    draft.emit(
        e.ChildBegan(
            child_id=command.child_id,
            task_run_id=command.task_run_id,
            outputs_json=outputs_json if alone else b"",
        )
    )
    if run is None or child.asked.waits:
        return
    if not alone:
        go_on_batches(draft, run)
        proceed(draft)
    else:
        outputs_json = outputs_to_json({"executionId": command.child_id, "state": State.CREATED})
        end_attempt(draft, run, State.SUCCESS, outputs_json=outputs_json)
        proceed(draft)


def child_refused(draft: ExecutionDraft, command: c.ChildRefused) -> None:
    """Fail the task run whose child can't run."""
    child: Child | None = draft.get(child_key(command.task_run_id, command.child_id))
    if child is None or child.state is not None:
        return
    draft.emit(
        e.ChildFinished(
            child_id=command.child_id,
            task_run_id=command.task_run_id,
            execution_id="",
            state=State.FAILED,
            error=command.error,
        )
    )
    run = _calling(draft, command.task_run_id)
    if run is not None and child.asked.index >= 0:
        go_on_batches(draft, run)
        proceed(draft)
    elif run is not None:
        end_attempt(draft, run, State.FAILED, error=command.error, lines=error_lines(command.error))
        proceed(draft)


def child_ended(draft: ExecutionDraft, command: c.ChildEnded) -> None:
    """End the task run that waits for it, with its outputs; whoever tells it hears that it was heard."""
    if command.execution_id:
        answer(draft, command.execution_id, c.NoteCallerHeard())
    child: Child | None = draft.get(child_key(command.task_run_id, command.child_id))
    if child is None or child.state is not None:
        return
    draft.emit(
        e.ChildFinished(
            child_id=command.child_id,
            task_run_id=command.task_run_id,
            execution_id=command.execution_id,
            state=command.state,
            outputs_json=command.outputs_json if child.asked.index >= 0 else b"",
        )
    )
    run = _calling(draft, command.task_run_id)
    if run is None:
        return
    if child.asked.index >= 0:
        go_on_batches(draft, run)
        proceed(draft)
    elif not child.killing:
        _end_calling(draft, run, command)
        proceed(draft)


def _end_calling(draft: ExecutionDraft, run: TaskRun, command: c.ChildEnded) -> None:
    """End a task run that called one execution as that has ended."""
    state = State.SUCCESS
    if command.state in PASSED_ON and draft.task(run).properties.get("transmitFailed") is not False:
        state = command.state
    outputs: dict[str, Any] = {"executionId": command.execution_id, "state": command.state}
    if command.outputs_json:
        outputs["outputs"] = msgspec.json.decode(command.outputs_json)
    error = ""
    try:
        outputs_json = outputs_to_json(outputs)
    except ValueError as failure:
        state, error, outputs_json = State.FAILED, str(failure), b""
    if command.error and command.state in GOOD:
        state, error = State.FAILED, command.error
    elif state is State.FAILED and not error:
        error = f"Execution {command.execution_id} ended {command.state}" + (
            f": {command.error}" if command.error else ""
        )
    end_attempt(draft, run, state, outputs_json=outputs_json, error=error, lines=error_lines(error) if error else ())


def note_caller_heard(draft: ExecutionDraft, _command: c.NoteCallerHeard) -> None:
    """The caller needn't be told again."""
    awaited: Awaited | None = draft.get(AWAITED)
    if awaited is not None and awaited.end is not None and not awaited.heard:
        draft.emit(e.CallerHeard())


def _calling(draft: ExecutionDraft, task_run_id: str) -> TaskRun | None:
    """Return the task run if it still goes on."""
    run = draft.run(task_run_id)
    return run if run is not None and run.state is State.RUNNING else None
