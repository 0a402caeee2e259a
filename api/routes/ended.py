"""What is done with executions that have ended: run again, replayed, or said to have ended otherwise."""

from __future__ import annotations

from aiohttp import web

from api import executions as ex
from api import replays
from api.answers import encoded_response
from api.context import CONTEXT
from api.forms import Form, Target, read_form
from api.problems import ApiProblem
from api.projections import queries
from api.repeats import digest_of, refuse_other
from api.requests import read_json, whole
from api.routes.executions import act, both, idempotency_key, row_of, state_named
from engine.execution.commands import ChangeExecutionState, ChangeTaskRunState, RestartExecution
from engine.flow.inputs import ids_of


async def change_status(request: web.Request) -> web.Response:
    """Say of an ended execution that it ended in another state."""
    return await act(request, ChangeExecutionState(state=state_named(request.query, "status")))


async def change_task_run_state(request: web.Request) -> web.Response:
    """Say of a task run of an ended execution that it ended in another state; the execution goes on with that."""
    settings = request.app[CONTEXT].settings
    body = await read_json(request, settings.body_bytes_max, settings.json_depth_max)
    if not isinstance(body, dict) or not isinstance(body.get("taskRunId"), str):
        raise ApiProblem("invalid-argument", "Expected {taskRunId, state}")
    return await act(request, ChangeTaskRunState(task_run_id=body["taskRunId"], state=state_named(body, "state")))


async def restart(request: web.Request) -> web.Response:
    """Run what failed once more; on another revision of the flow, in a new execution."""
    context = request.app[CONTEXT]
    revision = whole(request, "revision")
    source = await replays.find_source(context, request.match_info["id"])
    if revision is None or revision == source.revision:
        return await act(request, RestartExecution())
    key = idempotency_key(request)
    id = ex.new_id() if key is None else ex.id_of_key("restart", source.id, key)
    await replays.restart(context, source, await replays.find_target(context, source, revision), id)
    return encoded_response(await ex.execution_bytes(context, id))


async def replay(request: web.Request) -> web.Response:
    """Run an execution anew as another one, whole or from a task run on, with its inputs or with those of a form.

    The same Idempotency-Key gives the same execution, as for `create`.
    """
    context = request.app[CONTEXT]
    source = await replays.find_source(context, request.match_info["id"])
    key = idempotency_key(request)
    id = ex.new_id() if key is None else ex.id_of_key("replay", source.id, key)
    begun = None if key is None else await context.views.ask(queries.execution_row, id)
    task_run_id, revision = request.query.get("taskRunId") or None, whole(request, "revision")
    asked = {"taskRunId": task_run_id, "revision": revision}
    target = await replays.find_target(context, source, revision if begun is None else begun[3])
    inputs = target.flow.inputs if request.path.endswith("with-inputs") else ()
    form = Form()
    if inputs:
        place = Target(id, source.namespace, source.flow_id, exists=begun is not None)
        form = await read_form(request, context, place, ids_of(inputs, "FILE"))
    digest = "" if key is None else digest_of(form, ids_of(inputs, "SECRET"), asked)
    if begun is None:
        values, failure = None, ""
        if inputs:
            resolution = await ex.resolve(context, target, inputs, form.fields)
            values = ex.accepted(resolution)
            failure = ex.failure_of(ex.run_checks(context, target, resolution))
        await replays.replay(context, source, target, id, task_run_id, values, digest, failure)
    if digest:
        refuse_other(await row_of(context, id), digest)
    return encoded_response(await ex.execution_bytes(context, id))


ROUTES = (
    *both("POST", "restart", restart),
    *both("POST", "replay", replay),
    *both("POST", "replay-with-inputs", replay),
    *both("POST", "change-status", change_status),
    *both("POST", "state", change_task_run_state),
)
