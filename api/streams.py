"""Event streams: frames, heartbeats, and the gapless following of one execution.

Owns the wire format. Frames carry no `event:` line, since browsers' `onmessage` would not see them; what a frame means
is in its `id:`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from api.context import Context
from api.problems import ApiProblem
from api.projections.fan_out import Follower

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
TICK_S = 1.0
"""How often a silent stream looks whether the process stops."""


def refuse_too_many(context: Context) -> None:
    """Refuse one stream more than the settings allow.

    Raises:
        ApiProblem: too-many-requests.
    """
    if context.fan_out.following >= context.settings.followers_max:
        raise ApiProblem("too-many-requests", "Too many streams are open on this server", retry_after_s=5)


class Stream:
    """One open event stream."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response = web.StreamResponse(headers=HEADERS)

    async def open(self) -> None:
        """Send the head and a first frame, so that the client knows the connection stands."""
        await self._response.prepare(self._request)
        await self.frame("start", b"{}")

    async def frame(self, id: str, data: bytes) -> None:
        """Send a frame; `data` is JSON in one line."""
        await self._response.write(b"id: " + id.encode() + b"\ndata: " + data + b"\n\n")

    async def comment(self) -> None:
        """Send a heartbeat."""
        await self._response.write(b": \n\n")

    async def close(self) -> web.StreamResponse:
        """End the stream."""
        await self._response.write_eof()
        return self._response


async def ticks(context: Context, stream: Stream, news: Follower) -> AsyncIterator[None]:
    """Yield whenever there is news; between, keep the connection alive. Ends when the process stops."""
    loop = asyncio.get_running_loop()
    silent_since = loop.time()
    while not context.stopping.is_set():
        if await news.wait(TICK_S):
            yield None
            silent_since = loop.time()
        elif loop.time() - silent_since >= context.settings.heartbeat_s:
            await stream.comment()
            silent_since = loop.time()
