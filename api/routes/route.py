"""A public route, as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web


class Route(msgspec.Struct, frozen=True):
    """What answers a method at a path.

    Paths are below the tenant (`/flows/search`); with two slashes at the beginning (`//ping`) they stand at the
    server's root.
    """

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
