"""What an execution owes to who started it: word that it exists, and of its end.

Owns the side of the execution that was started; who asks for one is `children.py`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine import expression
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.caller import Caller
from engine.execution.children import KIND
from engine.execution.draft import ExecutionDraft
from engine.execution.kin import AWAITED, Awaited
from engine.execution.task_runs import outputs_to_json
from engine.execution.variables import Renderer
from engine.machine import Command, SendCommand
from engine.values import State


def answer(draft: ExecutionDraft, execution_id: str, command: Command) -> None:
    """Answer the execution that asked for this one."""
    draft.answers.append(SendCommand(kind=KIND, id=execution_id, command=command))


def accept(draft: ExecutionDraft, command: c.CreateExecution | c.RestartExecution) -> None:
    """Say that this execution exists, if somebody waits for that."""
    if command.asked_by:
        waits = command.caller is not None and command.caller.execution_id == command.asked_by
        accepted = c.ChildAccepted(task_run_id=command.asked_by_run, child_id=draft.id, waits=waits)
        answer(draft, command.asked_by, accepted)


def refuse(draft: ExecutionDraft, command: c.CreateExecution | c.RestartExecution, error: str) -> None:
    """Say that this execution can't be created, or not go on."""
    refused = c.ChildRefused(task_run_id=command.asked_by_run, child_id=draft.id, error=error)
    answer(draft, command.asked_by, refused)


def name_caller(draft: ExecutionDraft, caller: Caller | None) -> None:
    """Remember who waits for the end."""
    if caller is not None:
        draft.emit(e.CallerNamed(caller=caller))


def call_caller(draft: ExecutionDraft, state: State, outputs_json: bytes, error: str = "") -> None:
    """Tell whoever waits for the end that it has come.

    Args:
        draft: The execution that has ended.
        state: Its final state.
        outputs_json: The flow's outputs; templates of the caller take their place.
        error: Why it failed, if a task run doesn't say so.
    """
    awaited: Awaited | None = draft.get(AWAITED)
    if awaited is None or awaited.heard or awaited.end is not None or state is State.RETRIED:
        return
    caller = awaited.caller
    if caller.outputs_json:
        outputs_json, error = _wanted(draft, caller)
    draft.emit(
        e.CallerCalled(caller=caller, execution_id=draft.id, state=state, outputs_json=outputs_json, error=error)
    )


def end_for_caller(called: e.CallerCalled) -> SendCommand:
    """Return the effect that tells a caller of the end."""
    caller = called.caller
    ended = c.ChildEnded(
        task_run_id=caller.task_run_id,
        child_id=caller.child_id,
        execution_id=called.execution_id,
        state=called.state,
        outputs_json=called.outputs_json,
        error=called.error,
    )
    return SendCommand(kind=KIND, id=caller.execution_id, command=ended)


def _wanted(draft: ExecutionDraft, caller: Caller) -> tuple[bytes, str]:
    """Return the outputs that the caller's templates give here, and why they can't be had."""
    try:
        outputs: Any = Renderer(draft)(msgspec.json.decode(caller.outputs_json))
        return outputs_to_json(outputs), ""
    except (expression.RenderError, expression.NeedsWorld, ValueError) as failure:
        return b"", f"The outputs that the caller asks for can't be rendered: {failure}"
