"""Writing answers: JSON, YAML, and how large ones are encoded off the event loop."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web


def json_response(value: Any, status: int = 200) -> web.Response:
    """Return a value as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def encoded_response(body: bytes, status: int = 200) -> web.Response:
    """Return JSON that is encoded already."""
    return web.Response(status=status, body=body, content_type="application/json")


def page_response(results: list[Any], total: int) -> web.Response:
    """Return a page of results with their number in all."""
    return json_response({"results": results, "total": total})
