"""The HTTP interface as a role: its socket, its event loop, its thread.

Owns when the port is taken (before anything else starts) and given back. What is answered is `api/`'s.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
from collections.abc import Callable

from aiohttp import web

from deploy.problems import UserError
from deploy.supervisor import Role

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5.0
"""How long requests may go on after the stop; event streams are ended at once."""

Build = Callable[[Callable[[BaseException], None]], web.Application]
"""Makes the application, given what to call if it can't go on."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Take the port; 0 takes any free one.

    Raises:
        UserError: If it is taken or may not be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise UserError(
            f"port {port} of {host} can't be had: {os.strerror(error.errno or 0)}; choose another with --port"
        ) from None
    if not is_loopback(taken.getsockname()[0]):
        logger.warning("everybody who reaches %s may start executions: put a proxy that asks who it is before it", host)
    return taken


def is_loopback(address: str) -> bool:
    """Return True if only this machine reaches the address."""
    return ipaddress.ip_address(address).is_loopback


def url_of(taken: socket.socket) -> str:
    """Return the address that a person may open."""
    host, port = taken.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class HttpRole:
    """Serves an application until it is asked to stop.

    Args:
        build: Makes the application.
        taken: The socket; the role closes it.
        ready: Called when requests are answered.
    """

    def __init__(self, build: Build, taken: socket.socket, ready: Callable[[], None]) -> None:
        self._build = build
        self._taken = taken
        self._ready = ready
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None

    def role(self) -> Role:
        """Return it as a role."""
        return Role("api", self.run, self.stop)

    def run(self) -> None:
        """Serve until `stop`; raises what the application failed of."""
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    def stop(self) -> None:
        """Ask `run` to return; any thread may call it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self.stop()

    async def _serve(self) -> None:
        runner = web.AppRunner(
            self._build(self._fail), handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )
        try:
            await runner.setup()
            await web.SockSite(runner, self._taken).start()
            self._ready()
            await self._stopping.wait()
        finally:
            await runner.cleanup()
            self._taken.close()
        if self._failure is not None:
            raise self._failure
