"""Types of tasks and triggers, and the schema by which editors check flows."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

from aiohttp import web

from api.answers import json_response
from api.problems import ApiProblem
from api.routes.route import Route


async def flow_schema(request: web.Request) -> web.Response:
    """Return the JSON schema of flows."""
    return json_response(await asyncio.to_thread(_flow_schema))


@lru_cache(maxsize=1)
def _flow_schema() -> Any:
    from engine.flow.schema import flow_json_schema

    return flow_json_schema()


async def schema(request: web.Request) -> web.Response:
    """Return the JSON schema of one kind of document; flows are the only kind there is."""
    kind = request.match_info["type"].lower()
    if kind != "flow":
        raise ApiProblem("not-found", f"There is no schema of {kind!r}; there is one of 'flow'")
    return await flow_schema(request)


async def plugins(request: web.Request) -> web.Response:
    """Return the types of tasks and triggers by group."""
    return json_response(await asyncio.to_thread(_groups))


@lru_cache(maxsize=1)
def _groups() -> list[dict[str, Any]]:
    from engine.flow.types import TYPES

    groups: dict[str, dict[str, Any]] = {}
    for name, info in sorted(TYPES.items()):
        group = groups.setdefault(
            name.rpartition(".")[0], {"name": "", "group": "", "tasks": [], "triggers": [], "conditions": []}
        )
        group["name"] = group["group"] = group["title"] = name.rpartition(".")[0]
        entry = {"cls": name, "deprecated": info.deprecated}
        if info.is_task:
            group["tasks"].append(entry)
        elif info.is_trigger:
            group["triggers"].append(entry)
        elif info.kind == "condition":
            group["conditions"].append(entry)
    return list(groups.values())


async def plugin(request: web.Request) -> web.Response:
    """Return what is known of one type: its properties and outputs."""
    name = request.match_info["cls"]
    found = await asyncio.to_thread(_plugin, name)
    if found is None:
        raise ApiProblem("not-found", f"There is no type {name}")
    return json_response(found)


_JSON_KINDS = {
    "bool": "boolean",
    "int": "integer",
    "num": "number",
    "list": "array",
    "map": "object",
    "tasks": "array",
    "task": "object",
}


def _plugin(name: str) -> dict[str, Any] | None:
    from engine.flow.types import canonical, lookup

    info = lookup(name)
    if info is None:
        return None

    def described(kinds: dict[str, str]) -> dict[str, Any]:
        return {key: {"type": _JSON_KINDS[kind]} if kind in _JSON_KINDS else {} for key, kind in kinds.items()}

    properties = described({p.name: p.kind for p in info.properties.values()})
    return {
        "cls": canonical(name),
        "deprecated": info.deprecated,
        "schema": {
            "properties": {"type": "object", "properties": properties, "required": list(info.required)},
            "outputs": {"type": "object", "properties": described(dict(info.outputs or {}))},
            "definitions": {},
        },
    }


ROUTES = (
    Route("GET", "/plugins", plugins),
    Route("GET", "/plugins/schemas/{type}", schema),
    Route("GET", "/plugins/{cls}", plugin),
    Route("GET", "/schemas/flow.json", flow_schema),
)
