"""The variables that templates of an execution read.

Owns their shape (`flow`, `execution`, `inputs`, `vars`, `labels`, `taskrun` …) and rendering with them. It doesn't know
functions or filters: those are `engine/expression`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine import expression
from engine.execution.draft import ExecutionDraft
from engine.execution.outputs import Outputs
from engine.execution.state import INPUTS, ROOT, Inputs, Scope, TaskRun
from engine.flow.model import Task
from engine.values import State


def iso(at_ms: int) -> str:
    """Return a time as templates print it: UTC with milliseconds.

    Example:
        >>> iso(0)
        '1970-01-01T00:00:00.000Z'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map whose dotted keys have become maps within maps.

    Example:
        >>> nested({"a.b": 1, "c": 2})
        {'a': {'b': 1}, 'c': 2}
    """
    result: dict[str, Any] = {}
    for key, value in flat.items():
        at = result
        *parents, last = key.split(".")
        for parent in parents:
            inner = at.get(parent)
            if not isinstance(inner, dict):
                inner = at[parent] = {}
            at = inner
        at[last] = value
    return result


def base_variables(draft: ExecutionDraft) -> dict[str, Any]:
    """Return what all templates of the execution may read; built once per step, but for the state."""
    variables = draft.base_variables
    header = draft.header
    if variables is None:
        flow = draft.flow
        inputs: Inputs = draft.get(INPUTS)
        set_variables = msgspec.json.decode(inputs.variables_json) if len(inputs.variables_json) > 2 else {}
        variables = draft.base_variables = {
            **draft.setting.variables,
            "flow": {
                "id": header.flow_id,
                "namespace": header.namespace,
                "revision": header.revision,
                "tenantId": "main",
            },
            "inputs": msgspec.json.decode(inputs.inputs_json),
            "vars": {**flow.variables, **set_variables},
            "outputs": Outputs(draft, flow),
        }
        if inputs.trigger_json:
            trigger = msgspec.json.decode(inputs.trigger_json)
            variables["trigger"] = trigger.get("variables", trigger)
    variables["labels"] = nested(header.labels)
    variables["execution"] = {
        "id": draft.id,
        "startDate": iso(header.created_ms),
        "state": str(header.state),
        "originalId": header.original_id,
    }
    if header.ended_ms:
        variables["execution"]["endDate"] = iso(header.ended_ms)
    return variables


def parents_of(draft: ExecutionDraft, scope: Scope | None) -> list[dict[str, Any]]:
    """Return value and outputs of the flowables around a scope's children, nearest first, leaving out bare ones."""
    found: list[dict[str, Any]] = []
    while scope is not None and scope.id != ROOT:
        run = None if scope.iteration is not None else draft.run(scope.id)
        if run is not None:
            entry: dict[str, Any] = {}
            if run.value is not None:
                entry["taskrun"] = {"value": run.value, "iteration": run.iteration}
            outputs = draft.get("o/" + run.task_id) if not scope.path else None
            if outputs is not None:
                entry["outputs"] = msgspec.json.decode(outputs.json)
            if entry:
                found.append({"task": {"id": run.task_id}, **entry})
        scope = draft.scope(scope.parent_scope_id)
    return found


def run_variables(draft: ExecutionDraft, task: Task, run: TaskRun) -> dict[str, Any]:
    """Return what the templates of one task run may read."""
    taskrun: dict[str, Any] = {
        "id": run.id,
        "startDate": iso(run.created_ms),
        "attemptsCount": max(run.epoch - 1, 0),
    }
    if run.parent_id is not None:
        taskrun["parentId"] = run.parent_id
    if run.value is not None:
        taskrun["value"] = run.value
        taskrun["iteration"] = run.iteration
    variables = {
        **base_variables(draft),
        "task": {"id": task.id, "type": task.declared_type or task.type},
        "taskrun": taskrun,
    }
    if run.parent_id is not None:
        parents = parents_of(draft, draft.scope(run.scope_id))
        if parents:
            variables["parent"] = parents[0]
            variables["parents"] = parents
    return variables


class Renderer:
    """Renders properties with one task run's variables."""

    def __init__(self, draft: ExecutionDraft, variables: Mapping[str, Any], entropy: str) -> None:
        self.scope = expression.Scope(variables=variables, now_ms=draft.at_ms, entropy=entropy)

    def __call__(self, value: Any) -> Any:
        """Return `value` with every template in it rendered.

        Raises:
            expression.RenderError: If a template can't be rendered.
            expression.NeedsWorld: If a template calls a function that only a worker can answer.
        """
        return expression.render_value(value, self.scope)


def renderer_of(draft: ExecutionDraft, task: Task, run: TaskRun) -> Renderer:
    """Return a renderer for a task run."""
    return Renderer(draft, run_variables(draft, task, run), f"{draft.id}/{run.id}/{run.epoch}")


def final_of(state: State, task: Task, attempts: int) -> State:
    """Return a task run's final state: a warning for retries where asked, then `allowFailure`, then `allowWarning`."""
    if state is State.SUCCESS and attempts > 1 and task.retry is not None and task.retry.warning_on_retry:
        state = State.WARNING
    if state is State.FAILED and task.allow_failure:
        state = State.WARNING
    if state is State.WARNING and task.allow_warning:
        state = State.SUCCESS
    return state
