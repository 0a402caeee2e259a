"""Logs and metrics of executions."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from api.answers import encoded_response, page_response
from api.context import CONTEXT
from api.projections import queries, render
from api.projections.database import Connection
from api.projections.filters import LINES, Page, Where, conditions, paging
from api.requests import now_ms, pairs
from api.routes.route import Route


def lines_where(request: web.Request) -> Where:
    """Return the condition that the parameters of a request make: minLevel, taskId, taskRunId, attempt, filters."""
    return conditions(LINES, pairs(request), now_ms())


async def of_execution(request: web.Request) -> web.Response:
    """Return the lines of an execution, oldest first."""
    context = request.app[CONTEXT]
    return encoded_response(await context.views.ask(_encoded, request.match_info["id"], lines_where(request)))


def _encoded(connection: Connection, id: str, where: Where) -> bytes:
    return msgspec.json.encode([render.line_json(row) for row in queries.lines_of(connection, id, where)])


async def download(request: web.Request) -> web.Response:
    """Return the lines of an execution as a text file."""
    context = request.app[CONTEXT]
    id = request.match_info["id"]
    body = await context.views.ask(_as_text, id, lines_where(request))
    name = "".join(c for c in id if c.isalnum() or c in "-_")
    return web.Response(
        body=body,
        content_type="text/plain",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.log"'},
    )


def _as_text(connection: Connection, id: str, where: Where) -> bytes:
    lines = (render.line_json(row) for row in queries.lines_of(connection, id, where))
    return "".join(f"{x['timestamp']} {x['level']} {x.get('taskId', '')} {x['message']}\n" for x in lines).encode()


async def search(request: web.Request) -> web.Response:
    """Return a page of lines of all executions, the youngest first unless asked otherwise."""
    context = request.app[CONTEXT]
    query = pairs(request)
    where, page = conditions(LINES, query, now_ms()), paging(LINES, query, "timestamp:desc")
    rows, total = await context.views.ask(queries.search_lines, where, page)
    return page_response([render.line_json(row) for row in rows], total)


async def metrics(request: web.Request) -> web.Response:
    """Return a page of an execution's metrics."""
    context = request.app[CONTEXT]
    query = pairs(request)
    wanted: list[tuple[str, Any]] = [
        (column, request.query[name])
        for name, column in (("taskId", "task_id"), ("taskRunId", "task_run_id"))
        if request.query.get(name)
    ]
    where = Where(" AND ".join(["1 = 1", *(f"{column} = ?" for column, _ in wanted)]), tuple(v for _, v in wanted))
    page = paging(LINES, [(name, value) for name, value in query if name in ("page", "size")], "timestamp:asc")
    rows, total = await context.views.ask(queries.metrics_of, request.match_info["id"], where, _by_time(page))
    return page_response([render.metric_json(row) for row in rows], total)


def _by_time(page: Page) -> Page:
    return Page(page.page, page.size, "at_ms ASC, id ASC")


ROUTES = (
    Route("GET", "/logs/search", search),
    Route("GET", "/logs/{id}", of_execution),
    Route("GET", "/logs/{id}/download", download),
    Route("GET", "/metrics/{id}", metrics),
)
