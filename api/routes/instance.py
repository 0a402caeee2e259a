"""The instance itself: configuration for clients, health, and a plain page at the root."""

from __future__ import annotations

import html

from aiohttp import web

from api.answers import json_response
from api.context import CONTEXT
from api.routes.route import Route

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Penstock</title>
<style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style></head>
<body><h1>Penstock {version}</h1><p>The API is at <code>/api/v1/main</code>; {parts}.</p>
<ul><li><a href="/api/v1/main/flows/search">flows</a></li>
<li><a href="/api/v1/main/executions/search">executions</a></li>
<li><a href="/health">health</a></li></ul></body></html>
"""


async def configs(request: web.Request) -> web.Response:
    """Return what clients want to know of the instance."""
    settings = request.app[CONTEXT].settings
    return json_response(
        {
            "uuid": "",
            "version": settings.version,
            "edition": "OSS",
            "url": settings.ui_url,
            "environment": {"name": settings.environment_name, "color": settings.environment_color},
            "isCustomDashboardsEnabled": False,
            "isAnonymousUsageEnabled": False,
            "isUiAnonymousUsageEnabled": False,
            "isTemplateEnabled": False,
            "isTaskRunEnabled": False,
            "isBasicAuthInitialized": True,
            "isAiEnabled": False,
            "isAiApiKeyConfigured": False,
            "isConcurrencyViewEnabled": False,
            "systemNamespace": "system",
            "hiddenLabelsPrefixes": ["system."],
            "chartDefaultDuration": "P30D",
            "preview": {"initial": 100, "max": 5000},
        }
    )


async def login_configs(request: web.Request) -> web.Response:
    """Return whether anybody must set up a first user: never."""
    return json_response({"isBasicAuthInitialized": True})


async def ping(request: web.Request) -> web.Response:
    """Answer."""
    return web.Response(text="pong")


async def health(request: web.Request) -> web.Response:
    """Return the state of each part; 503 if one is not up."""
    parts = request.app[CONTEXT].health()
    up = all(state == "UP" for state in parts.values())
    body = {"status": "UP" if up else "DOWN", "details": {name: {"status": state} for name, state in parts.items()}}
    return json_response(body, 200 if up else 503)


async def liveness(request: web.Request) -> web.Response:
    """Return 200 while the process is of use: views that stopped for good need a new one.

    A log that takes no commands doesn't get better by it.
    """
    parts = request.app[CONTEXT].health()
    stopped = any(state.startswith("stopped") for state in parts.values())
    return json_response({"status": "DOWN" if stopped else "UP"}, 503 if stopped else 200)


async def root(request: web.Request) -> web.Response:
    """Lead to the UI."""
    raise web.HTTPTemporaryRedirect("/ui/")


async def page(request: web.Request) -> web.Response:
    """Show a plain page."""
    context = request.app[CONTEXT]
    parts = html.escape(", ".join(f"{name}: {state}" for name, state in context.health().items()))
    return web.Response(
        text=PAGE.format(version=html.escape(context.settings.version), parts=parts), content_type="text/html"
    )


ROUTES = (
    Route("GET", "/configs", configs),
    Route("GET", "/configs/login", login_configs),
    Route("GET", "//ping", ping),
    Route("GET", "//health", health),
    Route("GET", "//health/readiness", health),
    Route("GET", "//health/liveness", liveness),
    Route("GET", "//", root),
    Route("GET", "//ui/", page),
)
