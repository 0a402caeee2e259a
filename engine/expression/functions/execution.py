"""Functions on what the scope says about the execution: tasks by state, outputs of a loop, the whole context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.filters.texts import text_of
from engine.expression.printing import to_json
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FUNCTIONS = Registry()


@FUNCTIONS.add("tasksWithState", "state", required=1)
def _tasks_with_state(run: Run, state: Any) -> list[dict[str, Any]]:
    """Return tasks in a state; `value` names the iteration where the task ran in a loop."""
    wanted = text_of(state).upper()
    tasks = run.scope.variables.get("tasks")
    found: list[dict[str, Any]] = []
    for task_id, details in tasks.items() if isinstance(tasks, Mapping) else ():
        for key, value in details.items() if isinstance(details, Mapping) else ():
            run.charge(1)
            inner = value.get("state") if isinstance(value, Mapping) else value if key == "state" else None
            if isinstance(inner, str) and inner.upper() == wanted:
                entry = {"taskId": task_id, "state": wanted}
                found.append({**entry, "value": key} if isinstance(value, Mapping) else entry)
    return found


@FUNCTIONS.add("currentEachOutput", "outputs", required=1)
def _current_each_output(run: Run, outputs: Any) -> Any:
    """Return a sibling's outputs for the loop value that this task runs for, through all enclosing loops."""
    if not isinstance(outputs, Mapping):
        raise Failure("'outputs' must be a map")
    parents = run.scope.variables.get("parents") or ()
    for parent in reversed(parents):
        taskrun = parent.get("taskrun") if isinstance(parent, Mapping) else None
        if isinstance(taskrun, Mapping):
            outputs = outputs.get(taskrun.get("value"))
            if not isinstance(outputs, Mapping):
                raise Failure("there are no outputs for the loop values of this task run")
    taskrun = run.scope.variables.get("taskrun")
    return outputs.get(taskrun.get("value")) if isinstance(taskrun, Mapping) else None


@FUNCTIONS.add("loopOutputs", "outputs", "name", required=2)
def _loop_outputs(run: Run, outputs: Any, name: Any) -> list[Any]:
    """Return one output of every iteration of a loop, null where an iteration hasn't got it."""
    if not isinstance(outputs, (list, tuple)):
        raise Failure("'outputs' must be a list")
    key = text_of(name)
    run.fill(len(outputs))
    inner = [each.get("outputs") if isinstance(each, Mapping) else None for each in outputs]
    return [each.get(key) if isinstance(each, Mapping) else None for each in inner]


def _context(run: Run) -> str:
    return to_json(run, {name: run.scope.variables[name] for name in run.scope.variables})


FUNCTIONS.add("printContext")(_context)
FUNCTIONS.add("fetchContext")(_context)
