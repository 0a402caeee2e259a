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


def _flow_schema() -> Any:
    from engine.flow.schema import flow_json_schema

    return flow_json_schema()


async def schema(request: web.Request) -> web.Response:
    """Return the JSON schema of one kind of document: a flow, or a single task or trigger."""
    kind = request.match_info["type"].lower()
    if kind == "flow":
        return await flow_schema(request)
    if kind not in ("task", "trigger"):
        raise ApiProblem("not-found", f"There is no schema of {kind!r}; there are those of 'flow', 'task', 'trigger'")
    whole = await asyncio.to_thread(_flow_schema)
    part = {"$schema": whole["$schema"], "title": kind.title(), "$ref": f"#/$defs/{kind}", "$defs": whole["$defs"]}
    return json_response(part)


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
    """Return what is known of one type: its properties and outputs as JSON schema, and a page of Markdown."""
    name = request.match_info["cls"]
    found = await asyncio.to_thread(_plugin, name)
    if found is None:
        raise ApiProblem("not-found", f"There is no type {name}")
    return json_response(found)


def _plugin(name: str) -> dict[str, Any] | None:
    from engine.flow.type_docs import type_document

    return type_document(name)


ROUTES = (
    Route("GET", "/plugins", plugins),
    Route("GET", "/plugins/schemas/{type}", schema),
    Route("GET", "/plugins/{cls}", plugin),
    Route("GET", "/schemas/flow.json", flow_schema),
)
