"""The end of an execution: its final state and the flow's outputs."""

from __future__ import annotations

from typing import Any

from engine import expression
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.task_runs import outputs_to_json
from engine.execution.variables import Renderer
from engine.values import State


def conclude(draft: ExecutionDraft, state: State) -> None:
    """End the execution; an output that can't be rendered makes a good end FAILED."""
    outputs: dict[str, Any] = {}
    error = ""
    declared = draft.flow.outputs
    if declared and state is not State.KILLED:
        render = Renderer(draft)
        for output in declared:
            try:
                outputs[output.id] = render(output.value)
            except (expression.RenderError, expression.NeedsWorld) as failure:
                if not output.required:
                    outputs[output.id] = None
                elif state in (State.SUCCESS, State.WARNING):
                    state = State.FAILED
                    error = f"Output {output.id!r}: {failure}"
    outputs_json = b""
    if outputs:
        try:
            outputs_json = outputs_to_json(outputs)
        except ValueError as failure:
            error = str(failure)
            state = State.FAILED if state in (State.SUCCESS, State.WARNING) else state
    draft.emit(e.ExecutionEnded(state=state, at_ms=draft.at_ms, outputs_json=outputs_json, error=error))
