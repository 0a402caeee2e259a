"""The public routes: one module per noun, registered here under every address they have.

Owns the prefixes. The tenant's segment may be left out, so each path below it exists twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from api.routes import (
    bulk,
    ended,
    executions,
    files,
    flows,
    follow,
    instance,
    kv,
    logs,
    namespace_files,
    namespaces,
    plugins,
    triggers,
    webhooks,
)
from api.settings import TENANT

ROOT = "/api/v1"


def register(app: web.Application) -> None:
    """Add all routes to the application."""
    started = (webhooks, triggers, bulk, ended, executions)
    for module in (flows, *started, files, follow, logs, kv, namespace_files, namespaces, plugins, instance):
        for route in module.ROUTES:
            for path in _addresses(route.path):
                app.router.add_route(route.method, path, route.handler)


def _addresses(path: str) -> Sequence[str]:
    if path.startswith("//"):
        return (path[1:],)
    return (f"{ROOT}/{TENANT}{path}", f"{ROOT}{path}")
