"""The variables that templates of an execution read.

Owns their shape (`flow`, `execution`, `inputs`, `vars`, `labels`, `taskrun` …) and rendering with them. It doesn't know
functions or filters: those are `engine/expression`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from engine import expression
from engine.execution.asking import Answers
from engine.execution.draft import ExecutionDraft
from engine.execution.outputs import Outputs, TaskStates, error_logs
from engine.execution.state import ENDING, INPUTS, ROOT, Ending, Inputs, Scope, TaskRun, output_key
from engine.seals import MARK, Closed
from engine.values import Dialect, iso, nested


def base_variables(draft: ExecutionDraft) -> dict[str, Any]:
    """Return what all templates of the execution may read; built anew only when an event of this step changed it."""
    header = draft.header
    known = draft.base_variables
    inputs: Inputs = draft.get(INPUTS)
    if known is not None and known[0] is header and known[1] is inputs:
        return known[2]
    execution = {
        "id": draft.id,
        "startDate": iso(header.created_ms),
        "state": str(header.state),
        "originalId": header.original_id,
    }
    variables = {
        **draft.setting.variables,
        "flow": {
            "id": header.flow_id,
            "namespace": header.namespace,
            "revision": header.revision,
            "tenantId": "main",
        },
        "execution": execution,
        "inputs": inputs_of(inputs),
        "vars": variables_of(draft, inputs),
        "labels": nested(header.labels),
        "outputs": Outputs(draft, draft.plan),
    }
    if inputs.trigger_json:
        trigger = msgspec.json.decode(inputs.trigger_json)
        variables["trigger"] = trigger.get("variables", trigger)
    if header.ended_ms:
        execution["endDate"] = iso(header.ended_ms)
        ending: Ending | None = draft.get(ENDING)
        if ending is not None:
            execution["outputs"] = msgspec.json.decode(ending.outputs_json)
    draft.base_variables = (header, inputs, variables)
    return variables


def inputs_of(inputs: Inputs) -> Any:
    """Return the inputs as the engine may read them: SECRET ones stay closed."""
    values = msgspec.json.decode(inputs.inputs_json)
    return Closed(values) if MARK in inputs.inputs_json else values


def variables_of(draft: ExecutionDraft, inputs: Inputs) -> dict[str, Any]:
    """Return `vars`: the flow's variables, and over them (or, once a task changed them, instead) the execution's."""
    own = msgspec.json.decode(inputs.variables_json) if len(inputs.variables_json) > 2 else {}
    return own if inputs.whole else {**draft.flow.variables, **own}


def parents_of(draft: ExecutionDraft, scope: Scope | None) -> list[dict[str, Any]]:
    """Return value and outputs of the flowables around a scope's children, nearest first, leaving out bare ones.

    Flows of the first generation print them whole, so they have nothing beyond what they had there.
    """
    found: list[dict[str, Any]] = []
    named = draft.setting.dialect is not Dialect.V1
    while scope is not None and scope.id != ROOT:
        around = draft.scope(scope.parent_scope_id)
        run = None if scope.iteration is not None else draft.run(scope.id)
        if run is not None:
            entry: dict[str, Any] = {}
            if run.value is not None:
                entry["taskrun"] = {"value": run.value}
            outputs = draft.get(output_key(run.task_id, scope.path))
            if outputs is not None and outputs.json:
                entry["outputs"] = msgspec.json.decode(outputs.json)
            if entry:
                found.append({"task": {"id": run.task_id}, **entry} if named else entry)
        scope = around
    return found


def run_variables(draft: ExecutionDraft, run: TaskRun) -> dict[str, Any]:
    """Return what the templates of one task run may read."""
    planned = draft.planned(run.task_id)
    variables = {
        **base_variables(draft),
        "task": planned.variable,
        "taskrun": _taskrun(run),
        "tasks": TaskStates(draft),
    }
    if run.parent_id is not None:
        parents = parents_of(draft, draft.scope(run.scope_id))
        if parents:
            variables["parent"] = parents[0]
            variables["parents"] = parents
    if planned.shared:
        around = draft.run(run.scope_id)
        assert around is not None, run.scope_id
        variables["workerTaskrun"] = _taskrun(around)
        if around.value is not None:
            # Tasks that share a folder stand in for the one that has it, also where it is a loop's turn.
            variables["taskrun"]["value"] = around.value
    return variables


def _taskrun(run: TaskRun) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": run.id,
        "startDate": iso(run.created_ms),
        "attemptsCount": max(run.epoch - 1 - run.asked, 0),
    }
    if run.parent_id is not None:
        found["parentId"] = run.parent_id
    if run.value is not None:
        found["value"] = run.value
    if run.iteration is not None:
        found["iteration"] = run.iteration
    return found


class Renderer:
    """Renders properties with the variables of one task run, or of the execution alone.

    Args:
        draft: The execution.
        run: The task run; None for what belongs to no task, such as the flow's outputs.
        answers: Texts that a worker rendered, by template.
        more: Further members of `taskrun`.
    """

    __slots__ = ("_answers", "_draft", "_more", "_run", "_scope", "budget")

    def __init__(
        self,
        draft: ExecutionDraft,
        run: TaskRun | None = None,
        answers: Answers | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self._more = more
        self.budget = expression.DEFAULT_BUDGET
        """Bounds of each template."""
        self._draft = draft
        self._run = run
        self._answers = answers
        self._scope: expression.Scope | None = None

    def __call__(self, value: Any) -> Any:
        """Return `value` with every template in it rendered.

        Raises:
            expression.RenderError: If a template can't be rendered.
            expression.NeedsWorld: If a template calls a function that only a worker can answer.
        """
        if isinstance(value, str) and "{" not in value:
            return value
        if self._answers:
            return self._answered(value, self._answers)
        return expression.render_value(value, self.scope, self.budget)

    def _answered(self, value: Any, answers: Answers) -> Any:
        """Return `value` rendered, with what a worker rendered put in place; that is never rendered again."""
        if isinstance(value, str):
            return answers[value] if value in answers else expression.render_value(value, self.scope, self.budget)
        if isinstance(value, Mapping):
            return {self._answered(k, answers): self._answered(v, answers) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._answered(each, answers) for each in value]
        return value

    @property
    def scope(self) -> expression.Scope:
        """What templates see; made when the first one is met."""
        scope = self._scope
        if scope is None:
            draft, run = self._draft, self._run
            variables = base_variables(draft) if run is None else run_variables(draft, run)
            if self._more is not None:
                variables = {**variables, "taskrun": {**variables["taskrun"], **self._more}}
            entropy = draft.id if run is None else f"{draft.id}/{run.id}/{run.epoch}"
            scope = self._scope = expression.Scope(
                variables=variables,
                now_ms=draft.at_ms,
                entropy=entropy,
                world={"errorLogs": partial(error_logs, draft)},
                dialect=draft.setting.dialect,
            )
        return scope
