"""The end of an execution: its final state, the flow's outputs, and what it gives back when nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine import expression
from engine.execution import events as e
from engine.execution.callers import call_caller
from engine.execution.draft import ExecutionDraft
from engine.execution.slot import give_back
from engine.execution.task_runs import outputs_to_json
from engine.execution.variables import Renderer
from engine.flow.model import Output
from engine.values import State, to_json

GOOD = frozenset({State.SUCCESS, State.WARNING})


def conclude(draft: ExecutionDraft, state: State) -> None:
    """End the execution; an output that can't be rendered makes a good end FAILED, and leaves no outputs."""
    outputs_json, error = b"", ""
    if state is not State.KILLED:
        outputs_json, error = outputs_of(draft, strict=state in GOOD)
        if error and state in GOOD:
            state = State.FAILED
    end_execution(draft, state, outputs_json=outputs_json, error=error)


def outputs_of(draft: ExecutionDraft, *, strict: bool = True) -> tuple[bytes, str]:
    """Return the flow's outputs as of now, and why they can't be had; see `rendered`."""
    declared = draft.flow.outputs
    if not declared:
        return b"", ""
    try:
        outputs = rendered(declared, Renderer(draft), strict=strict)
        return outputs_to_json(outputs) if outputs else b"", ""
    except ValueError as failure:
        return b"", str(failure)


def end_execution(draft: ExecutionDraft, state: State, *, outputs_json: bytes = b"", error: str = "") -> None:
    """End the execution, and tell who waits for that."""
    draft.emit(e.ExecutionEnded(state=state, at_ms=draft.at_ms, outputs_json=outputs_json, error=error))
    call_caller(draft, state, outputs_json, error)


def settle(draft: ExecutionDraft) -> None:
    """Note that nothing of an ended execution is left to do; its slot is free for another one."""
    draft.emit(e.ExecutionSettled(at_ms=draft.at_ms))
    for index in range(len(draft.setting.flow.sla) if draft.setting.flow is not None else 0):
        draft.clear_timer(f"sla/{index}")
    give_back(draft)


def rendered(declared: tuple[Output, ...], render: Renderer, *, strict: bool) -> dict[str, Any]:
    """Return the flow's outputs.

    Args:
        declared: What the flow says.
        render: With the execution's variables.
        strict: False leaves out required ones that can't be rendered: of a failed execution some never can.

    Raises:
        ValueError: If a required one can't be rendered or isn't of its type.
    """
    outputs: dict[str, Any] = {}
    for output in declared:
        try:
            outputs[output.id] = typed(render(output.value), output.type)
        except (expression.RenderError, expression.NeedsWorld, ValueError) as failure:
            if not output.required:
                outputs[output.id] = None
            elif strict:
                raise ValueError(f"Output {output.id!r}: {failure}") from None
    return outputs


def typed(value: Any, kind: str) -> Any:
    """Return a rendered value as the type of its output says.

    Raises:
        ValueError: If it isn't of that type.

    Example:
        >>> typed("3", "INT"), typed({"a": 1}, "STRING"), typed('[1, 2]', "ARRAY"), typed("yes", "DURATION")
        (3, '{"a":1}', [1, 2], 'yes')
    """
    read = _TYPES.get(kind)
    if read is not None:
        return read(value)
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else None
    return value if isinstance(value, str) else to_json(value, "The value").decode()


def _number(kind: type[int] | type[float]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return kind(str(value).strip())
        except ValueError:
            raise ValueError(f"Expected {'a whole' if kind is int else 'a'} number, but got {value!r}") from None

    return read


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() == "true"


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise ValueError(f"Expected JSON, but got {value[:200]!r}") from None


def _list(value: Any) -> Any:
    found = _json(value)
    if not isinstance(found, list):
        raise ValueError(f"Expected a list, but got {str(value)[:200]!r}")
    return found


_TYPES: dict[str, Callable[[Any], Any]] = {
    "INT": _number(int),
    "FLOAT": _number(float),
    "BOOL": _bool,
    "JSON": _json,
    "OBJECT": _json,
    "ARRAY": _list,
    "MULTISELECT": _list,
}
"""Types whose values aren't texts."""
