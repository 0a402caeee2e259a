"""Executions: starting, reading, searching, and what people do to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from api import executions as ex
from api.answers import encoded_response, json_response, page_response
from api.context import CONTEXT, Context
from api.forms import Target, read_form, sends_form
from api.problems import ApiProblem, Detail
from api.projections import queries
from api.projections.filters import EXECUTIONS, Pairs, Where, conditions, conjunction, mentions, paging
from api.projections.render import Row
from api.repeats import DIGEST, digest_of, refuse_other
from api.requests import flag, instant, now_ms, pairs, read_json, whole
from api.routes.flows import draw, flow_json
from api.routes.route import Route
from engine.execution.commands import (
    CreateExecution,
    DeleteExecution,
    ForceRunExecution,
    KillExecution,
    PauseExecution,
    ResumeExecution,
    UnqueueExecution,
    UpdateLabels,
)
from engine.flow.inputs import ids_of
from engine.flow.model import Input
from engine.machine import Command
from engine.values import State

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KINDS = ("NORMAL", "TEST", "PLAYGROUND")
VERBS = frozenset(
    {
        "pause",
        "resume",
        "force-run",
        "change-status",
        "kill",
        "search",
        "disable",
        "enable",
        "replay",
        "state",
        "unqueue",
    }
    | {"replay-with-inputs", "restart", "labels", "eval", "webhook", "resume-from-breakpoint"}
)
"""Names of actions: in the place of a flow id they are one that this server doesn't have, unless a form is sent."""
FLOW_VERBS = frozenset({"eval", "labels", "replay", "restart", "state", "unqueue"})
"""Actions that take no form, and whose names are ids that a flow may have."""
KEY_MAX = 255
LATEST_MAX = 500


async def create(request: web.Request) -> web.Response:
    """Start an execution; with `wait=true` answer when it has ended.

    The same Idempotency-Key gives the same execution: it is started once, however often the request is sent, and
    another request with that key is refused.
    """
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["flowId"]
    if flow_id in VERBS and not sends_form(request):
        raise ApiProblem("not-found", f"This server has no action '{flow_id}' for executions")
    key = idempotency_key(request)
    id = ex.new_id() if key is None else ex.id_of_key(namespace, flow_id, key)
    begun = None if key is None else await context.views.ask(queries.execution_row, id)
    revision = whole(request, "revision")
    # What came before is compared with the flow as it was then.
    found = await ex.find_flow(context, namespace, flow_id, revision if begun is None else begun[3])
    if begun is None and found.flow.disabled:
        raise ApiProblem("conflict", f"Flow {namespace}.{flow_id} is disabled: enable it to start executions")
    asked = _asked(request, namespace, flow_id)
    inputs = found.flow.inputs
    target = Target(id, namespace, flow_id, exists=begun is not None)
    form = await read_form(request, context, target, ids_of(inputs, "FILE"))
    digest = "" if key is None else digest_of(form, ids_of(inputs, "SECRET"), {**asked, "revision": revision})
    if digest:
        asked["labels"] = {**asked["labels"], DIGEST: digest}
    if begun is None:
        await context.commands.ask("executions", id, await _command(context, found, form.fields, asked))
    if digest:
        refuse_other(await row_of(context, id), digest)
    if flag(request, "wait"):
        await ex.wait_until_over(context, id)
    return encoded_response(await ex.execution_bytes(context, id))


def _asked(request: web.Request, namespace: str, flow_id: str) -> dict[str, Any]:
    """Return what the address of a request says of the execution to start."""
    labels = ex.check_labels([_label(value) for value in request.query.getall("labels", [])])
    kind = request.query.get("kind", "NORMAL").upper()
    if kind not in KINDS:
        raise ApiProblem("invalid-query-parameter", f"Expected 'kind' to be one of {', '.join(KINDS)}, but got {kind}")
    schedule_ms = instant(request, "scheduleDate")
    return {"namespace": namespace, "flow_id": flow_id, "labels": labels, "kind": kind, "schedule_ms": schedule_ms}


async def _command(
    context: Context, found: ex.FoundFlow, given: dict[str, Any], asked: dict[str, Any]
) -> CreateExecution:
    """Return the command that starts an execution, if its inputs allow it."""
    resolution = await ex.resolve(context, found, found.flow.inputs, given)
    values = ex.accepted(resolution)
    failure = ex.failure_of(ex.run_checks(context, found, resolution))
    return CreateExecution(revision=found.revision, inputs_json=values, failure=failure, **asked)


def _label(written: str) -> tuple[str, str]:
    key, colon, value = written.partition(":")
    if not colon:
        raise ApiProblem("invalid-query-parameter", f"Expected labels as key:value, but got {written!r}")
    return key.strip(), value.strip()


def idempotency_key(request: web.Request) -> str | None:
    """Return the key under which a request that comes again is the same one, None if it has none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= KEY_MAX:
        raise ApiProblem(
            "bad-request", f"Expected an Idempotency-Key of 1 to {KEY_MAX} characters, but it has {len(key)}"
        )
    return key


async def create_by_id(request: web.Request) -> web.Response:
    """Start an execution at the old address."""
    return await create(request)


async def validate_inputs(request: web.Request) -> web.Response:
    """Check inputs without starting anything; always 200, errors stand with their inputs."""
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["flowId"]
    found = await ex.find_flow(context, namespace, flow_id, whole(request, "revision"))
    given = (await read_form(request, context, Target(ex.new_id(), namespace, flow_id), ())).fields
    for each in ids_of(found.flow.inputs, "FILE"):
        if given.get(each) is not None:
            given[each] = f"kestra:///{each}"
    resolution = await ex.resolve(context, found, found.flow.inputs, given)
    return json_response(
        {
            "id": flow_id,
            "namespace": namespace,
            "inputs": [
                {
                    "input": {"id": r.input.id, "type": r.input.type, "required": r.input.required},
                    "value": ex.MASKED if r.input.type == "SECRET" and r.value is not None else r.value,
                    "enabled": r.enabled,
                    "isDefault": r.is_default,
                    "errors": [{"message": error} for error in r.errors],
                }
                for r in resolution.inputs
            ],
            "checks": ex.run_checks(context, found, resolution),
        }
    )


async def read(request: web.Request) -> web.Response:
    """Return an execution with its task runs."""
    return encoded_response(await ex.execution_bytes(request.app[CONTEXT], request.match_info["id"]))


async def search(request: web.Request) -> web.Response:
    """Return a page of executions, the youngest first unless asked otherwise."""
    return await _search(request.app[CONTEXT], pairs(request))


async def of_flow(request: web.Request) -> web.Response:
    """Return a page of one flow's executions (old address)."""
    query = pairs(request)
    names = {name for name, _ in query}
    missing = [name for name in ("namespace", "flowId") if name not in names]
    if missing:
        raise ApiProblem(
            "bad-request", f"Expected the query parameter {missing[0]}; to search freely use /executions/search"
        )
    kept = [(name, value) for name, value in query if name not in ("namespace", "flowId")]
    exact = [(f"filters[{name}][EQUALS]", value) for name, value in query if name in ("namespace", "flowId")]
    return await _search(request.app[CONTEXT], [*kept, *exact])


async def _search(context: Context, query: Pairs) -> web.Response:
    where = searched(query)
    page = paging(EXECUTIONS, query, "state.startDate:desc")
    rows, total = await context.views.ask(queries.search_executions, where, page)
    return page_response([ex.light_execution(context, row) for row in rows], total)


def searched(query: Pairs) -> Where:
    """Return the condition of a search; unless it asks for other kinds, it finds normal executions only."""
    where = conditions(EXECUTIONS, query, now_ms())
    return where if mentions(query, "kind") else conjunction([where, Where("kind = 'NORMAL'")])


async def latest(request: web.Request) -> web.Response:
    """Return the youngest execution of each of the given flows."""
    context = request.app[CONTEXT]
    body = await read_json(request, context.settings.body_bytes_max, context.settings.json_depth_max)
    if not isinstance(body, list) or len(body) > LATEST_MAX or not all(isinstance(each, dict) for each in body):
        raise ApiProblem("invalid-argument", f"Expected a list of at most {LATEST_MAX} {{namespace, id}}")
    flows = [(str(each.get("namespace")), str(each.get("id", each.get("flowId")))) for each in body]
    rows = await context.views.ask(queries.latest_executions, flows)
    lights = [ex.light_execution(context, row) for row in rows]
    return json_response(
        [
            {
                "id": each["id"],
                "flowId": each["flowId"],
                "namespace": each["namespace"],
                "startDate": each["state"]["startDate"],
                "status": each["state"]["current"],
            }
            for each in lights
        ]
    )


async def row_of(context: Context, id: str) -> Row:
    """Return an execution's row, which must be there."""
    row = await context.views.ask(queries.execution_row, id)
    if row is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    return row


async def act(request: web.Request, command: Command) -> web.Response:
    """Ask the execution of the address, and return it as it is afterwards."""
    context = request.app[CONTEXT]
    id = request.match_info["id"]
    await row_of(context, id)
    await context.commands.ask("executions", id, command)
    return encoded_response(await ex.execution_bytes(context, id))


async def kill(request: web.Request) -> web.Response:
    """Stop an execution."""
    return await act(request, KillExecution())


async def delete(request: web.Request) -> web.Response:
    """Forget an ended execution, with its log; files that its tasks have stored stay."""
    context = request.app[CONTEXT]
    id = request.match_info["id"]
    await row_of(context, id)
    await context.commands.ask("executions", id, DeleteExecution())
    return web.Response(status=204)


async def pause(request: web.Request) -> web.Response:
    """Let running tasks finish and start no further ones."""
    return await act(request, PauseExecution())


async def force_run(request: web.Request) -> web.Response:
    """Let an execution that waits run at once, beyond the limit of its flow."""
    return await act(request, ForceRunExecution())


async def unqueue(request: web.Request) -> web.Response:
    """Take an execution out of the queue: to run, or to end."""
    return await act(request, UnqueueExecution(state=state_named(request.query, "state", State.RUNNING)))


def state_named(named: Mapping[str, Any], name: str, default: str = "") -> State:
    """Return the state that a parameter names.

    Raises:
        ApiProblem: If it names none.
    """
    wanted = str(named.get(name, default)).upper()
    if wanted not in State.__members__:
        raise ApiProblem("invalid-argument", f"Expected a state as `{name}`, but got {wanted!r}")
    return State(wanted)


async def resume(request: web.Request) -> web.Response:
    """Go on after a pause; a Pause that asks for inputs gets them."""
    context = request.app[CONTEXT]
    id = request.match_info["id"]
    row = await row_of(context, id)
    task_run_id, inputs, found = await _paused(context, row)
    form = (await read_form(request, context, Target(id, row[1], row[2]), ids_of(inputs, "FILE"))).fields
    values = b"{}"
    if inputs and found is not None:
        values = ex.accepted(await ex.resolve(context, found, inputs, form))
    return await act(request, ResumeExecution(inputs_json=values, task_run_id=task_run_id))


async def resume_inputs(request: web.Request) -> web.Response:
    """Say what a resume would make of the given inputs; always 200."""
    context = request.app[CONTEXT]
    row = await row_of(context, request.match_info["id"])
    _, inputs, found = await _paused(context, row)
    form = (await read_form(request, context, Target(row[0], row[1], row[2]), ())).fields
    resolved = (await ex.resolve(context, found, inputs, form)).inputs if found is not None else ()
    return json_response(
        {
            "id": row[2],
            "namespace": row[1],
            "inputs": [
                {
                    "input": {"id": r.input.id, "type": r.input.type, "required": r.input.required},
                    "value": r.value,
                    "enabled": r.enabled,
                    "isDefault": r.is_default,
                    "errors": [{"message": error} for error in r.errors],
                }
                for r in resolved
            ],
        }
    )


async def _paused(context: Context, row: Row) -> tuple[str, tuple[Input, ...], ex.FoundFlow | None]:
    """Return the first paused task run of an execution, the inputs that it asks for, and the flow."""
    runs = await context.views.ask(queries.task_run_rows, row[0])
    paused = next((run for run in runs if run[5] == "PAUSED"), None)
    if paused is None:
        return "", (), None
    source = await context.views.ask(queries.revision, row[1], row[2], row[3])
    flow = context.flow_texts.flow(source[1]) if source else None
    place = flow.places.get(paused[1]) if flow else None
    if flow is None or place is None or source is None:
        return paused[0], (), None
    return paused[0], declared_inputs(place.task.properties.get("onResume")), ex.FoundFlow(flow, row[3], source[1])


def declared_inputs(raw: Any) -> tuple[Input, ...]:
    """Return the inputs that a task's `onResume` declares."""
    from engine.flow.document import read_documents
    from engine.flow.inputs import read_inputs
    from engine.flow.problems import Report

    return read_inputs(Report(read_documents("{}")[0]), raw, ("onResume",)) if raw else ()


async def labels(request: web.Request) -> web.Response:
    """Set the labels of an execution; only those of the system stay."""
    context = request.app[CONTEXT]
    body = await read_json(request, context.settings.body_bytes_max, context.settings.json_depth_max)
    wanted = labels_of(body)
    return await act(request, UpdateLabels(labels=wanted))


def labels_of(body: Any) -> dict[str, str]:
    """Return labels that a body gives as a list of {key, value}, or as a map.

    Raises:
        ApiProblem: If it gives them otherwise, or may not set them.
    """
    if isinstance(body, dict):
        body = [{"key": key, "value": value} for key, value in body.items()]
    if not isinstance(body, list) or not all(isinstance(each, dict) and "key" in each for each in body):
        raise ApiProblem("invalid-argument", "Expected labels as a list of {key, value}", [Detail("no such list")])
    return ex.check_labels([(str(each["key"] or ""), str(each.get("value") or "")) for each in body])


async def flow_of(request: web.Request) -> web.Response:
    """Return the flow at the revision that an execution runs."""
    context = request.app[CONTEXT]
    source, row = await _source_of(context, request.match_info["id"])
    return json_response(flow_json(context, source[1], row[3], source[2], with_source=False))


async def graph_of(request: web.Request) -> web.Response:
    """Return the graph of the flow at the revision that an execution runs."""
    context = request.app[CONTEXT]
    source, _ = await _source_of(context, request.match_info["id"])
    return json_response(await draw(context, source[1]))


async def _source_of(context: Context, id: str) -> tuple[tuple[int, str, int], Row]:
    row = await row_of(context, id)
    found = await context.views.ask(queries.revision, row[1], row[2], row[3])
    if found is None:
        raise ApiProblem("not-found", f"Revision {row[3]} of flow {row[1]}.{row[2]} isn't known here")
    return found, row


async def flow_by_name(request: web.Request) -> web.Response:
    """Return a flow as the executor sees it."""
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["flowId"]
    found = await ex.find_flow(context, namespace, flow_id, whole(request, "revision"))
    return json_response({**context.flow_texts.body(found.source), "revision": found.revision})


async def evaluate(request: web.Request) -> web.Response:
    """Evaluate a template with the variables of an execution, or of one of its task runs."""
    from api.evaluation import evaluate_template
    from api.requests import read_text

    context = request.app[CONTEXT]
    template = await read_text(request, context.settings.body_bytes_max)
    result = await context.views.ask(
        evaluate_template, context, request.match_info["id"], request.match_info.get("taskRunId"), template
    )
    return json_response(result)


def both(method: str, verb: str, handler: Handler) -> tuple[Route, ...]:
    """Return the routes of an action on one execution: as 1.x has it, and under `actions/`.

    The address of 1.x is that of a flow with the action's name, too: a form means the flow.
    """
    return (
        Route(method, f"/executions/{{id}}/{verb}", _or_start(verb, handler) if verb in FLOW_VERBS else handler),
        Route(method, f"/executions/{{id}}/actions/{verb}", handler),
    )


def _or_start(verb: str, handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not sends_form(request):
            return await handler(request)
        request.match_info.update(namespace=request.match_info["id"], flowId=verb)
        return await create(request)

    return answer


ROUTES = (
    Route("GET", "/executions/search", search),
    Route("GET", "/executions", of_flow),
    Route("POST", "/executions/latest", latest),
    Route("GET", "/executions/flows/{namespace}/{flowId}", flow_by_name),
    Route("POST", "/executions/trigger/{namespace}/{flowId}", create_by_id),
    Route("GET", "/executions/{id}", read),
    Route("DELETE", "/executions/{id}", delete),
    Route("GET", "/executions/{id}/flow", flow_of),
    Route("GET", "/executions/{id}/graph", graph_of),
    *both("DELETE", "kill", kill),
    *both("POST", "pause", pause),
    *both("POST", "resume", resume),
    *both("POST", "resume/validate", resume_inputs),
    *both("POST", "force-run", force_run),
    *both("POST", "unqueue", unqueue),
    *both("POST", "labels", labels),
    *both("POST", "eval", evaluate),
    *both("POST", "eval/{taskRunId}", evaluate),
    Route("POST", "/executions/{namespace}/{flowId}", create),
    Route("POST", "/executions/{namespace}/{flowId}/validate", validate_inputs),
)
"""Actions stand before creation: a flow whose id is the name of an action is started by a form only."""
