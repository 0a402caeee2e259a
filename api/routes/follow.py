"""Following executions and their logs as event streams.

A follower subscribes first and reads the views afterwards: what isn't in them yet will be published, so there is no
gap.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from api import executions as ex
from api.context import CONTEXT, Context
from api.problems import ApiProblem
from api.projections import queries, render
from api.projections.database import Connection
from api.projections.execution_fold import LEVELS
from api.projections.fan_out import Overflow
from api.projections.render import Row
from api.requests import pairs
from api.routes.logs import lines_where
from api.routes.route import Route
from api.streams import Stream, refuse_too_many, ticks

SEEN_MAX = 20_000
"""Line ids that a stream remembers, so that a line which a worker sent twice is shown once."""
LINGER_S = 1.0
"""Workers' lines travel apart from events: after the end, a stream waits this long for a last one."""


async def execution(request: web.Request) -> web.StreamResponse:
    """Send the whole execution whenever it changed; the last frame has the id `end`."""
    context = request.app[CONTEXT]
    id = request.match_info["id"]
    refuse_too_many(context)
    with context.fan_out.follow(id) as news:
        sent, over, body = await context.views.ask(_snapshot, context, id)
        stream = Stream(request)
        await stream.open()
        await stream.frame("end" if over else "progress", body)
        if not over:
            async for _ in ticks(context, stream, news):
                if news.seq <= sent:
                    continue
                sent, over, body = await context.views.ask(_snapshot, context, id)
                await stream.frame("end" if over else "progress", body)
                if over:
                    break
                await asyncio.sleep(context.settings.follow_interval_s)
        return await stream.close()


def _snapshot(connection: Connection, context: Context, id: str) -> tuple[int, bool, bytes]:
    """Return the number of the last event, whether nothing more will happen, and the execution's JSON."""
    progress = queries.execution_progress(connection, id)
    if progress is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    return progress[0], progress[2], msgspec.json.encode(ex.read_execution(connection, context, id))


class LineFilter(msgspec.Struct, frozen=True):
    """Which new lines a follower wants; stored ones are searched in SQL by the same parameters."""

    level: int
    task_id: str
    task_run_id: str

    def wants(self, row: Row) -> bool:
        """True if the line (`LINE_COLUMNS`) is wanted."""
        return (
            row[9] >= self.level
            and (not self.task_id or row[6] == self.task_id)
            and (not self.task_run_id or row[7] == self.task_run_id)
        )


def line_filter(request: web.Request) -> LineFilter:
    """Return what a request wants of new lines."""
    values = dict(pairs(request))

    def wanted(flat: str, field: str) -> str:
        return values.get(flat) or values.get(f"filters[{field}][EQUALS]") or ""

    level = wanted("minLevel", "level") or values.get("filters[level][GREATER_THAN_OR_EQUAL_TO]") or "TRACE"
    return LineFilter(LEVELS.get(level.upper(), 0), wanted("taskId", "taskId"), wanted("taskRunId", "taskRunId"))


class LineStream:
    """Sends log lines, each once."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._seen: dict[str, None] = {}

    async def send(self, row: Row) -> None:
        """Send a line unless it was sent."""
        if row[1] in self._seen:
            return
        self._seen[row[1]] = None
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        await self.stream.frame("log", msgspec.json.encode(render.line_json(row)))


async def logs(request: web.Request) -> web.StreamResponse:
    """Send each log line of an execution, those that exist first; ends with the execution."""
    context = request.app[CONTEXT]
    id = request.match_info["id"]
    refuse_too_many(context)
    where, wanted = lines_where(request), line_filter(request)
    with context.fan_out.follow(id, context.settings.follow_lines_max) as news:
        over = await _is_over(context, id)
        lines = LineStream(Stream(request))
        await lines.stream.open()
        for row in await context.views.ask(queries.lines_of, id, where):
            await lines.send(row)
        try:
            if not over:
                async for _ in ticks(context, lines.stream, news):
                    for row in news.take_lines():
                        if wanted.wants(row):
                            await lines.send(row)
                    if await _is_over(context, id):
                        break
            while await news.wait(LINGER_S):
                for row in filter(wanted.wants, news.take_lines()):
                    await lines.send(row)
        except Overflow:
            await lines.stream.frame("error", b'{"message":"This reader is too slow: lines were left out. Reload."}')
        else:
            await lines.stream.frame("end", b"{}")
        return await lines.stream.close()


async def _is_over(context: Context, id: str) -> bool:
    """True if nothing more will happen to the execution.

    Raises:
        ApiProblem: If there is none.
    """
    progress = await context.views.ask(queries.execution_progress, id)
    if progress is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    return progress[2]


ROUTES = (
    Route("GET", "/executions/{id}/follow", execution),
    Route("GET", "/logs/{id}/follow", logs),
)
