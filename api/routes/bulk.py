"""Actions on several executions at once, named by their ids or found by a search.

Owns the two ways to name them and what becomes of the request when some refuse. What an action does to one execution is
what the route for one does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from api import executions as ex
from api import replays
from api.answers import json_response
from api.context import CONTEXT, Context
from api.problems import ApiProblem, Detail
from api.projections import queries
from api.projections.database import Connection
from api.requests import flag, pairs, read_json
from api.routes.executions import labels_of, searched, state_named
from api.routes.route import Route
from engine.execution.commands import (
    ChangeExecutionState,
    DeleteExecution,
    ForceRunExecution,
    KillExecution,
    PauseExecution,
    RestartExecution,
    ResumeExecution,
    UnqueueExecution,
    UpdateLabels,
)
from engine.machine import Command
from engine.values import State

FOUND_MAX = 10_000
"""Executions that one search may act on: some 20 s of work, as long as clients wait."""
AT_ONCE = 16
"""Executions that are asked at the same time: enough to keep the log busy, and not so many that others wait for it."""

Act = Callable[[Context, str], Awaitable[object]]
"""What is to be done to one execution."""
Prepare = Callable[[web.Request], Act]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def _ask(command: Command) -> Act:
    return lambda context, id: context.commands.ask("executions", id, command)


def _command(command: Command) -> Prepare:
    return lambda _request: _ask(command)


def _change_status(request: web.Request) -> Act:
    return _ask(ChangeExecutionState(state=state_named(request.query, "newStatus")))


def _unqueue(request: web.Request) -> Act:
    state = state_named(request.query, "newState" if "newState" in request.query else "state", State.RUNNING)
    # Of a search `state` is a filter, too: who looks for the queued ones says nothing of what is to become of them.
    return _ask(UnqueueExecution(state=State.RUNNING if state is State.QUEUED else state))


def _replay(request: web.Request) -> Act:
    latest = flag(request, "latestRevision")

    async def act(context: Context, id: str) -> None:
        source = await replays.find_source(context, id)
        target = await replays.find_target(context, source, None, latest=latest)
        await replays.replay(context, source, target, ex.new_id(), None)

    return act


def _by_ids(prepare: Prepare) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        act = prepare(request)
        return await _each(request, _ids(await _body(request)), act)

    return handle


def _by_query(prepare: Prepare) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        act = prepare(request)
        return await _each(request, await _found(request), act)

    return handle


async def labels_by_ids(request: web.Request) -> web.Response:
    """Put labels over those of the executions that a body names beside them."""
    body = await _body(request)
    if not isinstance(body, dict) or not body.keys() >= {"executionsId", "executionLabels"}:
        raise ApiProblem("invalid-argument", "Expected {executionsId: [ids], executionLabels: [{key, value}]}")
    act = _ask(UpdateLabels(labels=labels_of(body["executionLabels"]), over=True))
    return await _each(request, _ids(body["executionsId"]), act)


async def labels_by_query(request: web.Request) -> web.Response:
    """Put labels over those of the executions that a search finds."""
    act = _ask(UpdateLabels(labels=labels_of(await _body(request)), over=True))
    return await _each(request, await _found(request), act)


async def _body(request: web.Request) -> Any:
    settings = request.app[CONTEXT].settings
    return await read_json(request, settings.body_bytes_max, settings.json_depth_max)


def _ids(body: Any) -> list[str]:
    if not isinstance(body, list) or not all(isinstance(id, str) and re.fullmatch(r"[\w-]{1,100}", id) for id in body):
        raise ApiProblem("invalid-argument", "Expected a list of execution ids")
    return list(dict.fromkeys(body))


async def _found(request: web.Request) -> list[str]:
    ids = await request.app[CONTEXT].views.ask(queries.ids_found, searched(pairs(request)), FOUND_MAX + 1)
    if len(ids) > FOUND_MAX:
        raise ApiProblem(
            "invalid-query-filters",
            f"Expected a search that finds at most {FOUND_MAX} executions, but it finds more: nothing was done; "
            f"narrow it, by time for example",
        )
    return ids


async def _each(request: web.Request, ids: list[str], act: Act) -> web.Response:
    """Act on each execution; if one of them doesn't exist, on none."""
    context = request.app[CONTEXT]
    unknown = await context.views.ask(_unknown_of, ids)
    if unknown:
        details = [Detail(f"There is no execution {id}", id) for id in unknown]
        raise ApiProblem(
            "bad-request", f"{len(unknown)} of {len(ids)} executions don't exist: nothing was done", details
        )
    room = asyncio.Semaphore(AT_ONCE)

    async def one(id: str) -> Detail | None:
        async with room:
            try:
                await act(context, id)
            except ApiProblem as problem:
                return Detail(problem.detail, id)
        return None

    errors = [error for error in await asyncio.gather(*map(one, ids)) if error is not None]
    if errors:
        raise ApiProblem("conflict", f"{len(errors)} of {len(ids)} executions refused; the others did it", errors)
    return json_response({"count": len(ids), "totalItems": len(ids)})


def _unknown_of(connection: Connection, ids: list[str]) -> list[str]:
    return [id for id in ids if queries.execution_progress(connection, id) is None]


def _both(method: str, verb: str, prepare: Prepare) -> Iterable[Route]:
    yield Route(method, f"/executions/{verb}/by-ids", _by_ids(prepare))
    yield Route(method, f"/executions/{verb}/by-query", _by_query(prepare))


_DELETE = _command(DeleteExecution())
ROUTES = (
    Route("DELETE", "/executions/by-ids", _by_ids(_DELETE)),
    Route("DELETE", "/executions/by-query", _by_query(_DELETE)),
    *_both("DELETE", "kill", _command(KillExecution())),
    *_both("POST", "pause", _command(PauseExecution())),
    *_both("POST", "resume", _command(ResumeExecution())),
    *_both("POST", "restart", _command(RestartExecution())),
    *_both("POST", "replay", _replay),
    *_both("POST", "force-run", _command(ForceRunExecution())),
    *_both("POST", "unqueue", _unqueue),
    *_both("POST", "change-status", _change_status),
    Route("POST", "/executions/labels/by-ids", labels_by_ids),
    Route("POST", "/executions/labels/by-query", labels_by_query),
)
