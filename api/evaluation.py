"""Evaluates a template with the variables of an execution, for people who try expressions out.

Owns the building of variables from the views; the engine builds its own from its rows. Functions that reach the world
aren't offered: nobody may read secrets or files this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from api.context import Context
from api.executions import mask_secrets
from api.problems import ApiProblem
from api.projections import queries, render
from api.projections.database import Connection
from api.projections.render import Row, iso
from api.requests import now_ms
from engine.flow.model import EMPTY, Flow
from engine.values import nested

Variables = dict[str, Any]


def evaluate_template(
    connection: Connection, context: Context, id: str, task_run_id: str | None, template: str
) -> dict[str, Any]:
    """Return `result`, or `error` and `stackTrace`; synchronous, for the reading threads.

    Args:
        connection: To the views.
        context: What routes share.
        id: The execution.
        task_run_id: Whose variables to add; None for the execution's alone.
        template: The text.

    Raises:
        ApiProblem: If there is no such execution or task run.
    """
    from engine import expression

    variables = _variables(connection, context, id, task_run_id)
    dialect = context.settings.dialect
    scope = expression.Scope(variables=variables, now_ms=now_ms(), entropy=id, dialect=dialect)
    try:
        return {"result": expression.compile_template(template, dialect).render(scope)}
    except (expression.RenderError, expression.NeedsWorld) as error:
        return {"error": str(error), "stackTrace": ""}


def _variables(connection: Connection, context: Context, id: str, task_run_id: str | None) -> Variables:
    row = queries.execution_row(connection, id)
    if row is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    found = queries.revision(connection, row[1], row[2], row[3])
    flow = context.flow_texts.flow(found[1]) if found else None
    execution = render.execution_json(row, now_ms(), flow.variables if flow else EMPTY)
    mask_secrets(execution, flow)
    runs = {run[0]: run for run in queries.task_run_rows(connection, id)}
    variables: Variables = {
        **context.variables,
        "flow": {"id": row[2], "namespace": row[1], "revision": row[3], "tenantId": "main"},
        "execution": {
            "id": id,
            "startDate": iso(row[5]),
            "state": row[4],
            "originalId": row[9],
            **({"endDate": iso(row[6])} if row[6] else {}),
        },
        "inputs": _plain(execution.get("inputs", {})),
        "vars": execution.get("variables", {}),
        "labels": nested({label["key"]: label["value"] for label in execution["labels"]}),
        "outputs": _by_task(runs, lambda run: msgspec.json.decode(run[7]) if run[7] else None),
        "tasks": _by_task(runs, lambda run: {"state": run[5]}),
    }
    if row[18]:
        trigger = msgspec.json.decode(row[18])
        variables["trigger"] = trigger.get("variables", trigger)
    if task_run_id is not None:
        run = runs.get(task_run_id)
        if run is None:
            raise ApiProblem("not-found", f"Execution {id} has no task run {task_run_id}")
        variables |= _of_task_run(run, runs, flow)
    return variables


def _plain(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value


def _path(run: Row, runs: Mapping[str, Row]) -> list[str]:
    """Return the values of the loops around a task run, outermost first."""
    path: list[str] = []
    at: Row | None = run
    while at is not None:
        if at[3] is not None:
            path.append(at[3])
        at = runs.get(at[2])
    return path[::-1]


def _by_task(runs: Mapping[str, Row], value_of: Any) -> Variables:
    """Return a value of each task run by task, then by the values of the loops around it."""
    result: Variables = {}
    for run in runs.values():
        value = value_of(run)
        if value is None:
            continue
        at, keys = result, [run[1], *_path(run, runs)]
        for key in keys[:-1]:
            at = at.setdefault(key, {})
        at[keys[-1]] = value
    return result


def _of_task_run(run: Row, runs: Mapping[str, Row], flow: Flow | None) -> Variables:
    entries = render.unfold(run[6])
    begun = entries[0][1] if entries else 0
    attempts = sum(1 for state, *_ in render.completed(entries) if state == "RUNNING")
    taskrun: Variables = {"id": run[0], "startDate": iso(begun), "attemptsCount": max(attempts - 1, 0)}
    if run[2] is not None:
        taskrun["parentId"] = run[2]
    if run[3] is not None:
        taskrun |= {"value": run[3], "iteration": run[4]}
    place = flow.places.get(run[1]) if flow else None
    task = {"id": run[1], "type": place.task.declared_type or place.task.type} if place else {"id": run[1]}
    parents = _parents(run, runs)
    return {"taskrun": taskrun, "task": task} | ({"parent": parents[0], "parents": parents} if parents else {})


def _parents(run: Row, runs: Mapping[str, Row]) -> list[Variables]:
    """Return value and outputs of the flowables around a task run, nearest first, leaving out bare ones."""
    found: list[Variables] = []
    at = runs.get(run[2])
    while at is not None:
        entry: Variables = {}
        if at[3] is not None:
            entry["taskrun"] = {"value": at[3], "iteration": at[4]}
        if at[7]:
            entry["outputs"] = msgspec.json.decode(at[7])
        if entry:
            found.append({"task": {"id": at[1]}, **entry})
        at = runs.get(at[2])
    return found
