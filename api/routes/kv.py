"""Keys and values of namespaces."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from aiohttp import web

from api.answers import json_response, page_response
from api.context import CONTEXT
from api.problems import ApiProblem
from api.projections.filters import KEYS, Page, Where, conditions, paging
from api.projections.render import iso
from api.requests import deeper_than, now_ms, pairs, read_json, read_text
from api.routes.route import Route
from api.storage import KeyValueStores
from engine.key_values import (
    DOCUMENT_BYTES_MAX,
    Content,
    Entry,
    check_key,
    check_namespace,
    read_value,
    with_those_around,
)
from engine.values import parse_duration_ms

SEARCHED_MAX = 10_000
"""Keys that one search looks through: each is read from the storage."""
BULK_MAX = 1_000
"""Keys that one request deletes."""
_COLUMNS = ("namespace", "key", "version", "description", "created_ms", "updated_ms", "expires_ms")

Found = TypeVar("Found")


async def _ask(request: web.Request, work: Callable[[KeyValueStores], Found]) -> Found:
    """Return what the stores answer, asked in a thread.

    Raises:
        ApiProblem: If there are none, they refuse what is asked, or the storage fails.
    """
    stores = request.app[CONTEXT].keys
    if stores is None:
        raise ApiProblem("not-found", "This server has no key-value store")
    try:
        return await asyncio.to_thread(work, stores)
    except ValueError as error:
        raise ApiProblem("invalid-argument", str(error)) from None
    except OSError as error:
        raise ApiProblem("service-unavailable", str(error)) from error


def _entry_json(entry: Entry) -> dict[str, Any]:
    """Return what is known about a key, without its value."""
    body: dict[str, Any] = {
        "namespace": entry.namespace,
        "key": entry.key,
        "version": entry.version,
        "creationDate": iso(entry.created_ms),
        "updateDate": iso(entry.updated_ms),
    }
    if entry.description is not None:
        body["description"] = entry.description
    if entry.expires_ms is not None:
        body["expirationDate"] = iso(entry.expires_ms)
    return body


async def of_namespace(request: web.Request) -> web.Response:
    """Return all keys of a namespace, without those around it."""
    namespace = request.match_info["namespace"]
    found = await _ask(request, lambda stores: stores.entries(namespace))
    return json_response([_entry_json(entry) for entry in found])


async def inherited(request: web.Request) -> web.Response:
    """Return the keys that a namespace has from those around it; of the same key, the nearest one's."""
    namespace = request.match_info["namespace"]

    def work(stores: KeyValueStores) -> list[Entry]:
        found: dict[str, Entry] = {}
        for around in with_those_around(check_namespace(namespace))[1:]:
            for entry in stores.entries(around):
                found.setdefault(entry.key, entry)
        return list(found.values())

    return json_response([_entry_json(entry) for entry in await _ask(request, work)])


async def search(request: web.Request) -> web.Response:
    """Return a page of the keys of all namespaces."""
    query = pairs(request)
    where, page = conditions(KEYS, query, now_ms()), paging(KEYS, query, "key:asc")
    of_namespaces = conditions(KEYS, [each for each in query if _is_of_namespaces(each[0])], now_ms())
    found, total = await _ask(request, lambda stores: _search(stores, of_namespaces, where, page))
    return page_response([_entry_json(entry) for entry in found], total)


def _is_of_namespaces(name: str) -> bool:
    return name == "namespace" or name.startswith("filters[namespace]")


def _search(stores: KeyValueStores, of_namespaces: Where, where: Where, page: Page) -> tuple[list[Entry], int]:
    """Return a page of keys and how many there are; conditions are SQL, so a table in memory judges them.

    Args:
        stores: Where keys are.
        of_namespaces: What already the namespace decides, so that the keys of others aren't read.
        where: Everything that is asked for.
        page: Which part.

    Raises:
        ValueError: If there is too much to look through.
    """
    with closing(sqlite3.connect(":memory:")) as table:
        table.execute("CREATE TABLE namespaces (namespace)")
        table.executemany("INSERT INTO namespaces VALUES (?)", [(name,) for name in stores.namespaces()])
        wanted = table.execute(f"SELECT namespace FROM namespaces WHERE {of_namespaces.sql}", of_namespaces.params)
        entries: dict[tuple[str, str], Entry] = {}
        for (namespace,) in wanted:
            entries.update({(entry.namespace, entry.key): entry for entry in stores.entries(namespace)})
            if len(entries) > SEARCHED_MAX:
                raise ValueError(
                    f"Expected at most {SEARCHED_MAX} keys to search, but there are more: name a namespace"
                )
        table.execute(f"CREATE TABLE keys ({', '.join(_COLUMNS)})")
        marks = ", ".join("?" * len(_COLUMNS))
        rows = [tuple(getattr(entry, column) for column in _COLUMNS) for entry in entries.values()]
        table.executemany(f"INSERT INTO keys VALUES ({marks})", rows)
        (total,) = table.execute(f"SELECT count(*) FROM keys WHERE {where.sql}", where.params).fetchone()
        part = table.execute(
            f"SELECT namespace, key FROM keys WHERE {where.sql} ORDER BY {page.order} LIMIT ? OFFSET ?",
            (*where.params, page.size, page.offset),
        )
        return [entries[place] for place in part], total


async def read(request: web.Request) -> web.Response:
    """Return the value of a key of this very namespace."""
    namespace, key = request.match_info["namespace"], request.match_info["key"]
    entry = await _ask(request, lambda stores: stores.find(namespace, key))
    if entry is None:
        raise ApiProblem("not-found", f"No value found for key '{key}' in namespace '{namespace}'")
    if not entry.is_live(now_ms()):
        raise ApiProblem("resource-expired", "The requested value has expired")
    return json_response(
        {"type": entry.kind, "value": entry.value, "revision": entry.version, "updated": iso(entry.updated_ms)}
    )


async def put(request: web.Request) -> web.Response:
    """Set a key to the value of the body, in ION or JSON; headers say how long it lives, and describe it."""
    namespace, key = request.match_info["namespace"], request.match_info["key"]
    settings = request.app[CONTEXT].settings
    text = await read_text(request, min(settings.body_bytes_max, DOCUMENT_BYTES_MAX))
    ttl, description = request.headers.get("ttl"), request.headers.get("description")

    def work(stores: KeyValueStores) -> Entry:
        kind, value = read_value(text)
        if deeper_than(value, settings.json_depth_max):
            raise ValueError(f"Expected a value nested at most {settings.json_depth_max} levels, but it is deeper")
        expires_ms = stores.expiry(parse_duration_ms(ttl) if ttl else None)
        content = Content(kind=kind, value=value, description=description or None, expires_ms=expires_ms)
        return stores.set(namespace, key, content)

    await _ask(request, work)
    return web.Response()


async def delete(request: web.Request) -> web.Response:
    """Delete a key; the answer tells whether there was one."""
    namespace, key = request.match_info["namespace"], request.match_info["key"]
    return json_response(await _ask(request, lambda stores: stores.delete(namespace, key)))


async def delete_several(request: web.Request) -> web.Response:
    """Delete keys of a namespace; the answer names those that there were."""
    namespace = request.match_info["namespace"]
    settings = request.app[CONTEXT].settings
    body = await read_json(request, settings.body_bytes_max, settings.json_depth_max)
    keys = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(keys) > BULK_MAX:
        raise ApiProblem("invalid-argument", f'Expected {{"keys": […]}} with at most {BULK_MAX} keys')

    def work(stores: KeyValueStores) -> list[str]:
        for key in keys:
            check_key(key)
        return [key for key in keys if stores.delete(namespace, key)]

    deleted = await _ask(request, work)
    return json_response({"keys": deleted})


ROUTES = (
    Route("GET", "/kv", search),
    Route("GET", "/namespaces/{namespace}/kv", of_namespace),
    Route("DELETE", "/namespaces/{namespace}/kv", delete_several),
    Route("GET", "/namespaces/{namespace}/kv/inheritance", inherited),
    Route("GET", "/namespaces/{namespace}/kv/{key}", read),
    Route("PUT", "/namespaces/{namespace}/kv/{key}", put),
    Route("DELETE", "/namespaces/{namespace}/kv/{key}", delete),
)
