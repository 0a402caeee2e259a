"""Reading requests: bodies within bounds, JSON, source texts, query parameters.

Owns the limits on what is read and the words when they are broken. Forms with files are `forms.py`'s.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from api.problems import ApiProblem
from api.projections.filters import Pairs, parse_instant_ms

INT_MAX = 2**31 - 1
BODY_TIMEOUT_S = 60.0
"""How long a body without files may take: a client that trickles bytes must not hold a connection for ever."""


def refuse_encoded(request: web.Request) -> None:
    """Refuse a compressed body: its true size isn't known before it is unpacked.

    Raises:
        ApiProblem: unsupported-media-type.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiProblem(
            "unsupported-media-type", f"Expected a body without Content-Encoding, but it is {encoding}: send it plain"
        )


async def read_body(request: web.Request, most: int) -> bytes:
    """Return the body of a request.

    Args:
        request: The request.
        most: Bytes that are accepted.

    Raises:
        ApiProblem: If it is larger, or compressed.
    """
    refuse_encoded(request)
    declared = request.content_length
    if declared is not None and declared > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                parts.append(chunk)
    except TimeoutError:
        raise ApiProblem("bad-request", f"Expected the body within {BODY_TIMEOUT_S:g} s, but it is not whole") from None
    return b"".join(parts)


def _too_large(most: int) -> ApiProblem:
    return ApiProblem("payload-too-large", f"Expected a body of at most {most} bytes, but it is larger")


async def read_text(request: web.Request, most: int) -> str:
    """Return the body as text.

    Raises:
        ApiProblem: If it is too large, or not UTF-8.
    """
    body = await read_body(request, most)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ApiProblem(
            "invalid-argument", f"Expected UTF-8 text, but byte {error.start} of the body is none"
        ) from None


async def read_json(request: web.Request, most: int, depth: int) -> Any:
    """Return the body as JSON.

    Args:
        request: The request.
        most: Bytes that are accepted.
        depth: How deep lists and maps may be nested.

    Raises:
        ApiProblem: If it is no JSON, too large or too deep.
    """
    body = await read_body(request, most)
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise _too_deep(depth) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiProblem("invalid-json", f"The body is no JSON: {error}") from None
    if deeper_than(value, depth):
        raise _too_deep(depth)
    return value


def _too_deep(depth: int) -> ApiProblem:
    return ApiProblem("invalid-json", f"Expected JSON nested at most {depth} levels, but the body is deeper")


def deeper_than(value: Any, depth: int) -> bool:
    """True if lists and maps are nested more than `depth` levels."""
    level = [value]
    for _ in range(depth + 1):
        level = [
            inner
            for each in level
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def pairs(request: web.Request) -> Pairs:
    """Return the query parameters in their order."""
    return list(request.query.items())


def flag(request: web.Request, name: str, default: bool = False) -> bool:
    """Return a query parameter that is true or false.

    Raises:
        ApiProblem: If it is something else.
    """
    value = request.query.get(name)
    if value is None:
        return default
    if value.lower() not in ("true", "false", ""):
        raise ApiProblem("invalid-query-parameter", f"Expected '{name}' to be true or false, but got {value!r}")
    return value.lower() != "false"


def whole(request: web.Request, name: str) -> int | None:
    """Return a query parameter that is a positive whole number, None if it isn't there.

    Raises:
        ApiProblem: If it is something else.
    """
    value = request.query.get(name)
    if value is None or value == "":
        return None
    if not re.fullmatch(r"\d{1,10}", value) or not 1 <= int(value) <= INT_MAX:
        raise ApiProblem("invalid-query-parameter", f"Expected '{name}' to be a number from 1, but got {value!r}")
    return int(value)


def instant(request: web.Request, name: str) -> int | None:
    """Return a query parameter that is a time, in milliseconds; None if it isn't there.

    Raises:
        ApiProblem: If it is no time.
    """
    value = request.query.get(name)
    if not value:
        return None
    try:
        return parse_instant_ms(value)
    except ValueError as error:
        raise ApiProblem("invalid-query-parameter", f"{name}: {error}") from None


def now_ms() -> int:
    """Return the time in milliseconds."""
    return round(datetime.now(UTC).timestamp() * 1000)
