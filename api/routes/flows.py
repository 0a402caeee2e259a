"""Flows: saving, reading, searching, checking, drawing."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import BodyPartReader, web

from api.answers import json_response, page_response
from api.context import CONTEXT, Context
from api.problems import ApiProblem, Detail
from api.projections import queries
from api.projections.filters import FLOWS, conditions, paging
from api.projections.render import Row, iso
from api.requests import flag, now_ms, pairs, read_json, read_text, whole
from api.routes.route import Route
from engine.catalog.commands import DeleteFlow, SaveFlow
from engine.flow.model import Flow
from engine.flow.parse import ParsedFlow

_SEPARATOR = re.compile(r"^---[ \t]*(?:#[^\n]*)?\r?\n?", re.MULTILINE)
_CONTENT = re.compile(r"^\s*[^#\s]", re.MULTILINE)
BULK_MAX = 200
"""Most flows in one text."""


def flow_json(context: Context, source: str, revision: int, at_ms: int, *, with_source: bool) -> dict[str, Any]:
    """Return a flow's JSON: as written, with what the catalogue knows."""
    body = context.flow_texts.body(source)
    result = {"tenantId": "main", **body, "revision": revision, "updated": iso(at_ms)}
    if with_source:
        result["source"] = source
    return result


def _row_json(context: Context, row: Row, *, with_source: bool) -> dict[str, Any]:
    result = flow_json(context, row[3], row[2], row[4], with_source=with_source)
    result["namespace"], result["id"] = row[0], row[1]
    result["deleted"] = bool(row[5])
    return result


def valid_flow(parsed: ParsedFlow) -> Flow:
    """Return the flow of a parsed text.

    Raises:
        ApiProblem: If it has errors; it names all of them with their places.
    """
    if parsed.flow is not None:
        return parsed.flow
    details = [Detail(str(problem), problem.path, problem.pointer) for problem in parsed.errors]
    message = "Invalid Flow: " + "; ".join(detail.message for detail in details)
    raise ApiProblem("invalid-entity", message, details)


async def _source(request: web.Request, context: Context) -> str:
    source = await read_text(request, context.settings.body_bytes_max)
    if not source.strip():
        raise ApiProblem("invalid-argument", "Expected a flow as YAML in the body, but it is empty")
    return source


async def _parse(context: Context, source: str) -> ParsedFlow:
    """Parse a text off the event loop."""
    return await asyncio.to_thread(context.flow_texts.parsed, source, strict=True)


async def _save(context: Context, source: str, mode: str) -> dict[str, Any]:
    flow = valid_flow(await _parse(context, source))
    command = SaveFlow(namespace=flow.namespace, flow_id=flow.id, source=source, mode=mode)
    await context.commands.ask("flows", f"{flow.namespace}/{flow.id}", command)
    return await _read(context, flow.namespace, flow.id, with_source=True)


async def _read(context: Context, namespace: str, flow_id: str, *, with_source: bool) -> dict[str, Any]:
    row = await context.views.ask(queries.flow, namespace, flow_id)
    if row is None or row[5]:
        raise _unknown(namespace, flow_id)
    return _row_json(context, row, with_source=with_source)


def _unknown(namespace: str, flow_id: str) -> ApiProblem:
    return ApiProblem("not-found", f"There is no flow {namespace}.{flow_id}")


async def create(request: web.Request) -> web.Response:
    """Store a new flow."""
    context = request.app[CONTEXT]
    return json_response(await _save(context, await _source(request, context), "create"))


async def update(request: web.Request) -> web.Response:
    """Store the next revision of a flow, unless its source says the same."""
    context = request.app[CONTEXT]
    source = await _source(request, context)
    namespace, flow_id = request.match_info["namespace"], request.match_info["id"]
    flow = valid_flow(await _parse(context, source))
    errors = [
        Detail(f"Expected {what} '{wanted}' as in the address, but the source says '{found}'", what)
        for what, wanted, found in (("namespace", namespace, flow.namespace), ("id", flow_id, flow.id))
        if wanted != found
    ]
    if errors:
        raise ApiProblem("invalid-entity", "Illegal flow update: " + "; ".join(e.message for e in errors), errors)
    return json_response(await _save(context, source, "update"))


def split_documents(text: str) -> list[str]:
    """Return the documents of a YAML text as they are written; `---` at the beginning of a line separates them."""
    return [part for part in _SEPARATOR.split(text) if _CONTENT.search(part)]


async def bulk(request: web.Request) -> web.Response:
    """Store several flows of one text, separated by `---`; with `delete`, others of their namespaces go.

    Nothing is stored if one of them is invalid.
    """
    context = request.app[CONTEXT]
    sources = split_documents(await _source(request, context))
    if len(sources) > BULK_MAX:
        raise ApiProblem("invalid-argument", f"Expected at most {BULK_MAX} flows in one text, but got {len(sources)}")
    namespace = request.match_info.get("namespace") or request.query.get("namespace")
    flows = [valid_flow(await _parse(context, source)) for source in sources]
    for flow in flows:
        if (
            namespace
            and flow.namespace != namespace
            and not (flag(request, "allowNamespaceChild") and flow.namespace.startswith(namespace + "."))
        ):
            raise ApiProblem(
                "invalid-entity", f"Expected flows of namespace {namespace}, but {flow.id} is of {flow.namespace}"
            )
    saved = [await _save(context, source, "upsert") for source in sources]
    if namespace and flag(request, "delete"):
        kept = {(flow.namespace, flow.id) for flow in flows}
        for row in await context.views.ask(queries.flows_of, namespace):
            if (row[0], row[1]) not in kept:
                await context.commands.ask("flows", f"{row[0]}/{row[1]}", DeleteFlow(namespace=row[0], flow_id=row[1]))
    return json_response(saved)


async def delete(request: web.Request) -> web.Response:
    """Take a flow away."""
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["id"]
    await context.commands.ask("flows", f"{namespace}/{flow_id}", DeleteFlow(namespace=namespace, flow_id=flow_id))
    return web.Response(status=204)


async def read(request: web.Request) -> web.Response:
    """Return a flow, the latest revision or the one asked for."""
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["id"]
    row = await context.views.ask(queries.flow, namespace, flow_id)
    if row is None or (row[5] and not flag(request, "allowDeleted")):
        raise _unknown(namespace, flow_id)
    with_source = flag(request, "source")
    number = whole(request, "revision")
    if number is None or number == row[2]:
        return json_response(_row_json(context, row, with_source=with_source))
    source, at_ms = await _revision(context, namespace, flow_id, number)
    return json_response(flow_json(context, source, number, at_ms, with_source=with_source))


async def _revision(context: Context, namespace: str, flow_id: str, number: int | None) -> tuple[str, int]:
    """Return source and time of a revision, of the latest if there is no number."""
    if number is None:
        row = await context.views.ask(queries.flow, namespace, flow_id)
        if row is None or row[5]:
            raise _unknown(namespace, flow_id)
        return row[3], row[4]
    found = await context.views.ask(queries.revision, namespace, flow_id, number)
    if found is None:
        raise ApiProblem("not-found", f"Flow {namespace}.{flow_id} has no revision {number}")
    return found[1], found[2]


async def revisions(request: web.Request) -> web.Response:
    """Return all revisions with their sources, oldest first."""
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["id"]
    row = await context.views.ask(queries.flow, namespace, flow_id)
    if row is None or (row[5] and not flag(request, "allowDelete")):
        raise _unknown(namespace, flow_id)
    found = await context.views.ask(queries.revisions, namespace, flow_id)
    return json_response(
        [flow_json(context, source, number, at_ms, with_source=True) for number, source, at_ms in found]
    )


async def task(request: web.Request) -> web.Response:
    """Return one task of a flow, nested ones included."""
    context = request.app[CONTEXT]
    namespace, flow_id, task_id = (request.match_info[name] for name in ("namespace", "id", "taskId"))
    source, _ = await _revision(context, namespace, flow_id, whole(request, "revision"))
    found = _find_task(context.flow_texts.body(source), task_id)
    if found is None:
        raise ApiProblem("not-found", f"Flow {namespace}.{flow_id} has no task {task_id}")
    return json_response(found)


def _find_task(value: Any, task_id: str) -> dict[str, Any] | None:
    """Return the map with this id and a type, wherever it is, triggers and inputs left out."""
    if isinstance(value, dict):
        if value.get("id") == task_id and "type" in value and "namespace" not in value:
            return value
        inner: Any = [each for key, each in value.items() if key not in ("triggers", "inputs", "outputs", "labels")]
    elif isinstance(value, list):
        inner = value
    else:
        return None
    return next((found for each in inner if (found := _find_task(each, task_id)) is not None), None)


async def search(request: web.Request) -> web.Response:
    """Return a page of flows."""
    context = request.app[CONTEXT]
    query = pairs(request)
    where, page = conditions(FLOWS, query, now_ms()), paging(FLOWS, query, "id:asc")
    rows, total = await context.views.ask(queries.search_flows, where, page)
    return page_response([_row_json(context, row, with_source=False) for row in rows], total)


async def of_namespace(request: web.Request) -> web.Response:
    """Return all flows of one namespace."""
    context = request.app[CONTEXT]
    rows = await context.views.ask(queries.flows_of, request.match_info["namespace"])
    return json_response([_row_json(context, row, with_source=False) for row in rows])


async def namespaces(request: web.Request) -> web.Response:
    """Return the namespaces that hold flows."""
    return json_response(await request.app[CONTEXT].views.ask(queries.namespaces))


async def validate(request: web.Request) -> web.Response:
    """Check the flows of a text; always 200, errors are in `constraints`."""
    from engine.flow.validate import validate_results

    context = request.app[CONTEXT]
    source = await _validated_text(request, context)
    results = await asyncio.to_thread(validate_results, source)
    for result in results:
        namespace, flow_id = result.get("namespace"), result.get("flow")
        if isinstance(namespace, str) and isinstance(flow_id, str):
            row = await context.views.ask(queries.flow, namespace, flow_id)
            if row is not None and not row[5]:
                latest = await asyncio.to_thread(validate_results, source, row[2])
                result["outdated"] = latest[result["index"]]["outdated"]
    return json_response(results)


async def _validated_text(request: web.Request, context: Context) -> str:
    """Return the text of a body, or of the files of a form, joined as documents."""
    if not request.content_type.startswith("multipart/"):
        return await read_text(request, context.settings.body_bytes_max)
    pieces: list[bytes] = []
    left = context.settings.body_bytes_max
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ApiProblem("bad-request", "Expected a form of plain parts")
        while chunk := await part.read_chunk():
            left -= len(chunk)
            if left < 0:
                raise ApiProblem("payload-too-large", f"Expected at most {context.settings.body_bytes_max} bytes")
            pieces.append(bytes(chunk))
        pieces.append(b"\n---\n")
    return b"".join(pieces[:-1]).decode("utf-8", "replace")


async def validate_task(request: web.Request) -> web.Response:
    """Check the text of a single task or trigger."""
    from engine.flow.validate import validate_part

    context = request.app[CONTEXT]
    section = request.query.get("section", "TRIGGERS" if request.path.endswith("/trigger") else "TASKS").upper()
    if section not in ("TASKS", "TRIGGERS"):
        raise ApiProblem("invalid-query-parameter", f"Expected 'section' TASKS or TRIGGERS, but got {section}")
    text = await read_text(request, context.settings.body_bytes_max)
    return json_response(await asyncio.to_thread(validate_part, text, section))  # type: ignore[arg-type]


async def graph(request: web.Request) -> web.Response:
    """Return a stored flow's graph."""
    context = request.app[CONTEXT]
    namespace, flow_id = request.match_info["namespace"], request.match_info["id"]
    source, _ = await _revision(context, namespace, flow_id, whole(request, "revision"))
    return json_response(await draw(context, source))


async def graph_of_source(request: web.Request) -> web.Response:
    """Return the graph of a flow that isn't stored."""
    context = request.app[CONTEXT]
    return json_response(await draw(context, await _source(request, context)))


async def draw(context: Context, source: str) -> dict[str, Any]:
    """Return the graph of a source.

    Raises:
        ApiProblem: If it can't be read at all.
    """
    from engine.flow.graph import flow_graph

    parsed = await asyncio.to_thread(context.flow_texts.parsed, source, strict=False)
    return flow_graph(valid_flow(parsed))


async def _named(request: web.Request) -> list[Row]:
    """Return the rows of the flows that a body names; those that don't exist are passed over."""
    context = request.app[CONTEXT]
    ids = await read_json(request, context.settings.body_bytes_max, context.settings.json_depth_max)
    if not isinstance(ids, list) or not all(isinstance(i, dict) and i.get("id") and i.get("namespace") for i in ids):
        raise ApiProblem("invalid-argument", "Expected a list of {namespace, id}")
    names = dict.fromkeys((str(each["namespace"]), str(each["id"])) for each in ids)
    rows = [await context.views.ask(queries.flow, *name) for name in names]
    return [row for row in rows if row is not None and not row[5]]


async def delete_by_ids(request: web.Request) -> web.Response:
    """Take several flows away."""
    context = request.app[CONTEXT]
    rows = await _named(request)
    for namespace, flow_id, *_ in rows:
        await context.commands.ask("flows", f"{namespace}/{flow_id}", DeleteFlow(namespace=namespace, flow_id=flow_id))
    return json_response({"count": len(rows), "totalItems": len(rows)})


async def disable_by_ids(request: web.Request) -> web.Response:
    """Store a next revision of several flows that says that they are disabled; those that are stay as they are."""
    return await _set_disabled(request, disabled=True)


async def enable_by_ids(request: web.Request) -> web.Response:
    """Store a next revision of several flows that doesn't disable them; those that are enabled stay as they are."""
    return await _set_disabled(request, disabled=False)


async def _set_disabled(request: web.Request, disabled: bool) -> web.Response:
    from engine.flow.edit import set_flow_property

    context = request.app[CONTEXT]
    rows = await _named(request)
    changed = [row for row in rows if bool(context.flow_texts.body(row[3]).get("disabled")) is not disabled]
    for row in changed:
        await _save(context, await asyncio.to_thread(set_flow_property, row[3], "disabled", disabled), "update")
    return json_response({"count": len(changed), "totalItems": len(changed)})


ROUTES = (
    Route("POST", "/flows", create),
    Route("GET", "/flows/search", search),
    Route("GET", "/flows/distinct-namespaces", namespaces),
    Route("POST", "/flows/validate", validate),
    Route("POST", "/flows/validate/task", validate_task),
    Route("POST", "/flows/validate/trigger", validate_task),
    Route("POST", "/flows/graph", graph_of_source),
    Route("POST", "/flows/bulk", bulk),
    Route("DELETE", "/flows/delete/by-ids", delete_by_ids),
    Route("POST", "/flows/disable/by-ids", disable_by_ids),
    Route("POST", "/flows/enable/by-ids", enable_by_ids),
    Route("GET", "/flows/{namespace}", of_namespace),
    Route("POST", "/flows/{namespace}", bulk),
    Route("GET", "/flows/{namespace}/{id}", read),
    Route("PUT", "/flows/{namespace}/{id}", update),
    Route("DELETE", "/flows/{namespace}/{id}", delete),
    Route("GET", "/flows/{namespace}/{id}/revisions", revisions),
    Route("GET", "/flows/{namespace}/{id}/graph", graph),
    Route("GET", "/flows/{namespace}/{id}/tasks/{taskId}", task),
)
