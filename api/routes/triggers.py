"""Triggers that go by time: listing them, turning them off and on, letting them go on, filling back.

Each action exists for one trigger, for several that a body names, and for those that a search finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from api import triggers as tr
from api.answers import json_response, page_response
from api.context import CONTEXT, Context
from api.problems import ApiProblem, Detail
from api.projections import queries
from api.projections.database import Connection
from api.projections.filters import Page, Pairs, Where, conditions, paging
from api.projections.trigger_filters import TRIGGERS
from api.requests import flag, now_ms, pairs, read_json
from api.routes.route import Route
from api.triggers import Name
from engine.machine import Command
from engine.trigger import commands as c

FOUND_MAX = 1_000
"""Triggers that one search may act on."""

Act = Callable[[str], Command]
"""What to ask, by trigger id."""


async def search(request: web.Request) -> web.Response:
    """Return a page of triggers, each with its state."""
    context = request.app[CONTEXT]
    query = pairs(request)
    where, page = conditions(TRIGGERS, query, now_ms()), paging(TRIGGERS, query, "triggerId:asc")
    results, total = await context.views.ask(_page, context, where, page)
    return page_response(results, total)


def _page(connection: Connection, context: Context, where: Where, page: Page) -> tuple[list[dict[str, Any]], int]:
    rows, total = queries.search_triggers(connection, where, page)
    return [tr.item_json(connection, context, row) for row in rows], total


async def of_flow(request: web.Request) -> web.Response:
    """Return the states of a flow's triggers."""
    context = request.app[CONTEXT]
    query = pairs(request)
    place = Where("namespace = ? AND flow_id = ?", (request.match_info["namespace"], request.match_info["flowId"]))
    results, total = await context.views.ask(_page, context, place, paging(TRIGGERS, query, "triggerId:asc"))
    return page_response([each["state"] for each in results], total)


def _name(request: web.Request) -> Name:
    found = request.match_info
    return found["namespace"], found["flowId"], found["triggerId"]


async def _ask(context: Context, name: Name, command: Command) -> None:
    await context.commands.ask("triggers", f"{name[0]}/{name[1]}", command)


async def _done(context: Context, name: Name, command: Command) -> web.Response:
    """Ask a trigger, and return it as it is afterwards."""
    await tr.find(context, name)
    await _ask(context, name, command)
    return json_response(await tr.find(context, name))


async def unlock(request: web.Request) -> web.Response:
    """Let a trigger go on that waits for an execution."""
    name = _name(request)
    return await _done(request.app[CONTEXT], name, c.UnlockTrigger(trigger_id=name[2]))


async def restart(request: web.Request) -> web.Response:
    """Let a trigger begin anew at its next date."""
    name = _name(request)
    return await _done(request.app[CONTEXT], name, c.RestartTrigger(trigger_id=name[2]))


async def delete(request: web.Request) -> web.Response:
    """Forget a trigger that its flow doesn't declare any more."""
    context, name = request.app[CONTEXT], _name(request)
    await tr.find(context, name)
    await _ask(context, name, c.DeleteTrigger(trigger_id=name[2]))
    return web.Response(status=204)


async def _body(request: web.Request) -> Any:
    settings = request.app[CONTEXT].settings
    return await read_json(request, settings.body_bytes_max, settings.json_depth_max)


async def update(request: web.Request) -> web.Response:
    """Make a trigger as its JSON says: off or on, with a backfill or without (clients of 1.x)."""
    context, body = request.app[CONTEXT], await _body(request)
    name = tr.name_of(body)
    now = await tr.find(context, name)
    if isinstance(body.get("disabled"), bool) and body["disabled"] != now["disabled"]:
        await _ask(context, name, c.SwitchTrigger(trigger_id=name[2], disabled=body["disabled"]))
    wanted = body.get("backfill")
    if wanted and "backfill" not in now:
        await _ask(context, name, tr.backfill_of(name, wanted))
    elif isinstance(wanted, dict) and isinstance(wanted.get("paused"), bool):
        await _ask(context, name, c.PauseBackfill(trigger_id=name[2], paused=wanted["paused"]))
    return json_response(await tr.find(context, name))


async def set_disabled(request: web.Request) -> web.Response:
    """Turn a trigger off or on."""
    body = await _body(request)
    name = tr.name_of(body)
    if not isinstance(body.get("disabled"), bool):
        raise ApiProblem("invalid-argument", "Expected {namespace, flowId, triggerId, disabled: true or false}")
    return await _done(request.app[CONTEXT], name, c.SwitchTrigger(trigger_id=name[2], disabled=body["disabled"]))


async def create_backfill(request: web.Request) -> web.Response:
    """Run a schedule for the dates of a time that has passed."""
    body = await _body(request)
    name = tr.name_of(body)
    return await _done(request.app[CONTEXT], name, tr.backfill_of(name, body.get("backfill")))


def _for_one(act: Act) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        name = tr.name_of(await _body(request))
        return await _done(request.app[CONTEXT], name, act(name[2]))

    return handle


async def _each(context: Context, names: Iterable[Name], act: Act) -> web.Response:
    """Ask each trigger; those that can't do it are told in the answer."""
    errors: list[Detail] = []
    asked = list(dict.fromkeys(names))
    for name in asked:
        try:
            await _ask(context, name, act(name[2]))
        except ApiProblem as problem:
            errors.append(Detail(problem.detail, "/".join(name)))
    if errors:
        raise ApiProblem("conflict", f"{len(errors)} of {len(asked)} triggers refused; the others did it", errors)
    return json_response({"count": len(asked)})


def _by_triggers(act: Act) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        return await _each(request.app[CONTEXT], _names(await _body(request)), act)

    return handle


def _names(body: Any) -> list[Name]:
    listed = body.get("triggers") if isinstance(body, dict) else body
    if not isinstance(listed, list) or len(listed) > FOUND_MAX:
        raise ApiProblem("invalid-argument", f"Expected a list of at most {FOUND_MAX} {{namespace, flowId, triggerId}}")
    return [tr.name_of(each) for each in listed]


def _by_query(act: Act) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        return await _each(request.app[CONTEXT], await _found(request, pairs(request)), act)

    return handle


async def _found(request: web.Request, query: Pairs) -> list[Name]:
    where = conditions(TRIGGERS, query, now_ms())
    found = await request.app[CONTEXT].views.ask(queries.triggers_found, where, FOUND_MAX + 1)
    if len(found) > FOUND_MAX:
        raise ApiProblem(
            "invalid-query-filters",
            f"Expected a search that finds at most {FOUND_MAX} triggers, but it finds more: nothing was done",
        )
    return found


async def set_disabled_by_triggers(request: web.Request) -> web.Response:
    """Turn several triggers off or on."""
    body = await _body(request)
    disabled = body.get("disabled") if isinstance(body, dict) else None
    if not isinstance(disabled, bool):
        raise ApiProblem("invalid-argument", "Expected {triggers: [{namespace, flowId, triggerId}], disabled}")
    return await _each(request.app[CONTEXT], _names(body), _switch(disabled))


async def set_disabled_by_query(request: web.Request) -> web.Response:
    """Turn the triggers that a search finds off or on."""
    query = [(name, value) for name, value in pairs(request) if name != "disabled"]
    disabled = flag(request, "disabled", default=True)
    return await _each(request.app[CONTEXT], await _found(request, query), _switch(disabled))


def _switch(disabled: bool) -> Act:
    return lambda trigger_id: c.SwitchTrigger(trigger_id=trigger_id, disabled=disabled)


def _unlocked(trigger_id: str) -> Command:
    return c.UnlockTrigger(trigger_id=trigger_id)


def _deleted(trigger_id: str) -> Command:
    return c.DeleteTrigger(trigger_id=trigger_id)


def _paused(trigger_id: str) -> Command:
    return c.PauseBackfill(trigger_id=trigger_id, paused=True)


def _unpaused(trigger_id: str) -> Command:
    return c.PauseBackfill(trigger_id=trigger_id, paused=False)


def _filled(trigger_id: str) -> Command:
    return c.DeleteBackfill(trigger_id=trigger_id)


def _many(verb: str, act: Act, *methods: str) -> Iterable[Route]:
    for method in methods:
        yield Route(method, f"/triggers/{verb}/by-triggers", _by_triggers(act))
        yield Route(method, f"/triggers/{verb}/by-query", _by_query(act))


ROUTES = (
    Route("GET", "/triggers/search", search),
    Route("GET", "/triggers/{namespace}/{flowId}", of_flow),
    Route("PUT", "/triggers", update),
    Route("PUT", "/triggers/set-disabled", set_disabled),
    *(
        Route(method, f"/triggers/set-disabled/{by}", handler)
        for method in ("PUT", "POST")
        for by, handler in (("by-triggers", set_disabled_by_triggers), ("by-query", set_disabled_by_query))
    ),
    Route("PUT", "/triggers/backfill/create", create_backfill),
    Route("PUT", "/triggers/backfill/pause", _for_one(_paused)),
    Route("PUT", "/triggers/backfill/unpause", _for_one(_unpaused)),
    Route("POST", "/triggers/backfill/delete", _for_one(_filled)),
    *_many("backfill/pause", _paused, "POST", "PUT"),
    *_many("backfill/unpause", _unpaused, "POST", "PUT"),
    *_many("backfill/delete", _filled, "POST"),
    *_many("unlock", _unlocked, "POST"),
    *_many("delete", _deleted, "POST", "DELETE"),
    Route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/unlock", unlock),
    Route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/restart", restart),
    Route("DELETE", "/triggers/{namespace}/{flowId}/{triggerId}", delete),
)
"""What acts on several stands before what names one: a namespace may be called like an action."""
