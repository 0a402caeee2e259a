"""The end of an execution: its final state and the flow's outputs."""

from __future__ import annotations

from typing import Any

import msgspec

from engine import expression
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.variables import Renderer, base_variables
from engine.values import State


def conclude(draft: ExecutionDraft, state: State) -> None:
    """End the execution; an output that can't be rendered makes a good end FAILED."""
    outputs: dict[str, Any] = {}
    error = ""
    declared = draft.flow.outputs
    if declared and state is not State.KILLED:
        render = Renderer(draft, base_variables(draft), draft.id)
        for output in declared:
            try:
                outputs[output.id] = render(output.value)
            except (expression.RenderError, expression.NeedsWorld) as failure:
                if not output.required:
                    outputs[output.id] = None
                elif state in (State.SUCCESS, State.WARNING):
                    state = State.FAILED
                    error = f"Output {output.id!r}: {failure}"
    draft.emit(
        e.ExecutionEnded(
            state=state,
            at_ms=draft.at_ms,
            outputs_json=msgspec.json.encode(outputs) if outputs else b"",
            error=error,
        )
    )
