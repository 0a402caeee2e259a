"""Namespaces: they exist as long as a flow is in them or below them."""

from __future__ import annotations

from aiohttp import web

from api.answers import json_response, page_response
from api.context import CONTEXT, Context
from api.problems import ApiProblem
from api.projections import queries
from api.projections.filters import NAMESPACES, paging
from api.requests import pairs, read_json
from api.routes.route import Route


async def _all(context: Context) -> list[str]:
    """Return all namespaces, parents included, in order."""
    found: set[str] = set()
    for name in await context.views.ask(queries.namespaces):
        parts = name.split(".")
        found.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return sorted(found)


def _body(name: str) -> dict[str, object]:
    return {"id": name, "deleted": False}


async def search(request: web.Request) -> web.Response:
    """Return a page of namespaces."""
    query = pairs(request)
    page = paging(NAMESPACES, query, "id:asc")
    wanted = next((value for name, value in query if name in ("q", "query", "filters[q][EQUALS]")), "").lower()
    found = [name for name in await _all(request.app[CONTEXT]) if wanted in name.lower()]
    if page.order.startswith("id DESC"):
        found.reverse()
    return page_response([_body(name) for name in found[page.offset : page.offset + page.size]], len(found))


async def autocomplete(request: web.Request) -> web.Response:
    """Return the names of namespaces that contain a text, for fields that complete what is typed."""
    context = request.app[CONTEXT]
    body = {}
    if request.method == "POST":
        body = await read_json(request, context.settings.body_bytes_max, context.settings.json_depth_max)
    wanted = str((body if isinstance(body, dict) else {}).get("q") or request.query.get("q") or "").lower()
    return json_response([name for name in await _all(context) if wanted in name.lower()])


async def read(request: web.Request) -> web.Response:
    """Return one namespace."""
    name = request.match_info["id"]
    if name not in await _all(request.app[CONTEXT]):
        raise ApiProblem("not-found", f"There is no namespace {name}: no flow is in it or below it")
    return json_response(_body(name))


ROUTES = (
    Route("GET", "/namespaces/search", search),
    Route("GET", "/namespaces/autocomplete", autocomplete),
    Route("POST", "/namespaces/autocomplete", autocomplete),
    Route("GET", "/namespaces/{id}", read),
)
