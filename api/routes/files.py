"""Files of executions: reading what inputs and tasks have stored."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

from api.answers import json_response
from api.context import CONTEXT, Context
from api.problems import ApiProblem
from api.projections import queries
from api.routes.route import Route
from api.storage import FileStorage


async def download(request: web.Request) -> web.StreamResponse:
    """Send a file of an execution."""
    storage, uri = await _file(request)
    return await send(request, storage, uri)


async def send(request: web.Request, storage: FileStorage, uri: str) -> web.StreamResponse:
    """Send a stored file.

    Raises:
        ApiProblem: If there is no such file.
    """
    try:
        size = await storage.size(uri)
        contents = await storage.get(uri)
    except FileNotFoundError:
        raise _missing(uri) from None
    name = quote(PurePosixPath(urlsplit(uri).path).name)
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
        }
    )
    response.content_length = size
    await response.prepare(request)
    async for piece in contents:
        await response.write(piece)
    await response.write_eof()
    return response


async def metas(request: web.Request) -> web.Response:
    """Return the size of a file."""
    storage, uri = await _file(request)
    try:
        return json_response({"size": await storage.size(uri)})
    except FileNotFoundError:
        raise _missing(uri) from None


def _missing(uri: str) -> ApiProblem:
    return ApiProblem("not-found", f"There is no file {uri}")


async def _file(request: web.Request) -> tuple[FileStorage, str]:
    """Return the storage and the address of the wanted file.

    Raises:
        ApiProblem: If the execution doesn't exist, or the file is neither its own nor of one that it follows from.
    """
    context = request.app[CONTEXT]
    uri = request.query.get("path", "")
    if not uri:
        raise ApiProblem("bad-request", "Expected the query parameter 'path' with the address of a file")
    await _check_own(context, request.match_info["id"], uri)
    if context.storage is None:
        raise ApiProblem("not-found", "This server has no storage for files")
    return context.storage, uri


async def _check_own(context: Context, id: str, uri: str) -> None:
    row = await context.views.ask(queries.execution_row, id)
    if row is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    parts = urlsplit(uri)
    path = unquote(parts.path)
    own = f"/executions/{id}/"
    allowed = parts.scheme == "kestra" and not parts.netloc and ".." not in path.split("/") and "\\" not in path
    if allowed and own not in path:
        sources = await context.views.ask(queries.sources, id)
        allowed = any(f"/executions/{source}/" in path for source in sources)
    if not allowed:
        raise ApiProblem("invalid-argument", f"Expected a file of execution {id} (kestra:///…{own}…), but got {uri}")


ROUTES = (
    Route("GET", "/executions/{id}/file", download),
    Route("GET", "/executions/{id}/file/metas", metas),
)
