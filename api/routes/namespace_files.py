"""Files of namespaces: stored, read, listed and removed under their paths.

Owns the paths and shapes; flows read them with `read()`, scripts with `namespaceFiles`. Folders are what paths have in
common: there is no empty one.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from aiohttp import web

from api.answers import json_response
from api.context import CONTEXT
from api.forms import store_in_namespace
from api.problems import ApiProblem
from api.routes.files import send
from api.routes.route import Route
from api.storage import FileStorage

FLOWS = "_flows"
"""Older clients write flows there; here they have an address of their own."""
FILES_MAX = 10_000
"""Files of a namespace that one request looks through."""


def _storage(request: web.Request) -> FileStorage:
    storage = request.app[CONTEXT].storage
    if storage is None:
        raise ApiProblem("not-found", "This server has no storage for files")
    return storage


def _path(request: web.Request) -> str:
    """Return the path that is asked for, without slashes around it; the root is empty.

    Raises:
        ApiProblem: If it is where flows are.
    """
    path = request.query.get("path", "").strip("/")
    if path.split("/", 1)[0] == FLOWS:
        raise ApiProblem("invalid-argument", f"Forbidden path: /{path} is no file; flows are saved at /flows")
    return path


def _file_path(request: web.Request) -> str:
    path = _path(request)
    if not path:
        raise ApiProblem("bad-request", "Expected the query parameter 'path' with the path of a file")
    return path


async def _paths(request: web.Request) -> list[str]:
    try:
        return await _storage(request).paths_in_namespace(request.match_info["namespace"], FILES_MAX)
    except ValueError as error:
        raise ApiProblem("invalid-argument", str(error)) from None


def _uri(request: web.Request, path: str) -> str:
    try:
        return _storage(request).uri_in_namespace(request.match_info["namespace"], path)
    except ValueError as error:
        raise ApiProblem("invalid-argument", str(error)) from None


async def read(request: web.Request) -> web.StreamResponse:
    """Send a file."""
    return await send(request, _storage(request), _uri(request, _file_path(request)))


async def store(request: web.Request) -> web.Response:
    """Store the file of a form, in place of one that is there."""
    path, namespace = _file_path(request), request.match_info["namespace"]
    size = await store_in_namespace(request, request.app[CONTEXT], namespace, path)
    return json_response({"namespace": namespace, "path": f"/{path}", "size": size})


async def remove(request: web.Request) -> web.Response:
    """Remove a file, or all files of a folder; what isn't there is no error."""
    path = _file_path(request)
    for each in await _paths(request):
        if each == path or each.startswith(f"{path}/"):
            try:
                await _storage(request).remove(_uri(request, each))
            except FileNotFoundError:
                continue
    return web.Response(status=204)


async def folder(request: web.Request) -> web.Response:
    """Return what lies directly in a folder, folders first."""
    path = _path(request)
    below = f"{path}/" if path else ""
    names = {each[len(below) :].partition("/")[::2] for each in await _paths(request) if each.startswith(below)}
    folders = sorted({name for name, rest in names if rest})
    files = sorted(name for name, rest in names if not rest)
    return json_response(
        [_entry(name) for name in folders] + [await _file_entry(request, below + name) for name in files]
    )


async def stats(request: web.Request) -> web.Response:
    """Return what is known of a file or folder; the root is there even without files."""
    path = _path(request)
    paths = await _paths(request)
    if path in paths:
        return json_response(await _file_entry(request, path))
    if path and not any(each.startswith(f"{path}/") for each in paths):
        raise ApiProblem("not-found", f"There is no file /{path} in {request.match_info['namespace']}")
    return json_response(_entry(PurePosixPath(path).name or "_files"))


async def search(request: web.Request) -> web.Response:
    """Return the paths that contain a text."""
    wanted = request.query.get("q", "").lower()
    return json_response([f"/{path}" for path in await _paths(request) if wanted in f"/{path}".lower()])


def _entry(name: str) -> dict[str, Any]:
    return {"type": "Directory", "fileName": name, "size": 0}


async def _file_entry(request: web.Request, path: str) -> dict[str, Any]:
    try:
        size = await _storage(request).size(_uri(request, path))
    except FileNotFoundError:
        size = 0
    return {"type": "File", "fileName": PurePosixPath(path).name, "size": size}


ROUTES = (
    Route("GET", "/namespaces/{namespace}/files", read),
    Route("POST", "/namespaces/{namespace}/files", store),
    Route("DELETE", "/namespaces/{namespace}/files", remove),
    Route("GET", "/namespaces/{namespace}/files/directory", folder),
    Route("GET", "/namespaces/{namespace}/files/stats", stats),
    Route("GET", "/namespaces/{namespace}/files/search", search),
)
