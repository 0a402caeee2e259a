"""The API as an aiohttp application: public routes, errors mapped in one place, threads started and stopped with it.

Owns the wiring inside the role. Which log, storage and settings there are is the composition root's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from api.commands import Commands
from api.context import CONTEXT, Context
from api.flow_texts import FlowTexts
from api.problems import OF_STATUS, ApiProblem, problem_response
from api.projections.database import Database, ViewsUnavailable
from api.projections.fan_out import FanOut
from api.projections.filters import BadFilter
from api.projections.tail import Tail
from api.projections.views import Views
from api.routes import register
from api.settings import ApiSettings
from api.storage import FileStorage, KeyValueStores
from engine.inputs.resolve import Seal
from topics.ports import Log

if TYPE_CHECKING:
    from api.projections.group import GroupTail

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def open_views(address: str) -> Database:
    """Return the database of the views.

    Args:
        address: `sqlite:<path>` or `postgresql://…`.

    Raises:
        ValueError: If it is neither.
    """
    kind, _, rest = address.partition(":")
    if kind == "sqlite" and rest:
        from api.projections.sqlite import SqliteDatabase

        return SqliteDatabase(Path(rest))
    if kind in ("postgresql", "postgres"):
        from api.projections.postgres import PostgresDatabase

        return PostgresDatabase(address)
    raise ValueError(f"Expected the views' address as sqlite:<path> or postgresql://…, but got {address!r}")


def create_app(
    log: Log,
    settings: ApiSettings,
    storage: FileStorage | None = None,
    *,
    keys: KeyValueStores | None = None,
    seal: Seal | None = None,
    secret: Callable[..., str] | None = None,
    on_failure: Callable[[BaseException], None] | None = None,
) -> web.Application:
    """Return the application; its threads start with it and stop with it.

    Args:
        log: The log, open for this role.
        settings: See `ApiSettings`.
        storage: Keeps files of inputs; None refuses them.
        keys: The key-value stores; None: there are none.
        seal: Encrypts SECRET inputs; None refuses them.
        secret: The function `secret()` of templates: key, and perhaps namespace and subkey, to text.
        on_failure: Called from another thread if the views stop for good.
    """
    database = open_views(settings.views)
    fan_out = FanOut()
    flow_texts = FlowTexts()
    tail = _tail(log, database, fan_out, flow_texts, settings, on_failure)
    views = Views(database, settings.read_threads)
    app = web.Application(middlewares=[errors, same_site], client_max_size=settings.body_bytes_max)

    async def run(app: web.Application) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        fan_out.attach(loop)
        await loop.run_in_executor(None, tail.start)
        commands = Commands(log, fan_out, settings.command_timeout_s)
        app[CONTEXT] = Context(
            settings=settings,
            commands=commands,
            views=views,
            fan_out=fan_out,
            flow_texts=flow_texts,
            storage=storage,
            keys=keys,
            seal=seal,
            secret=secret,
            health=lambda: health_of(tail, commands),
            stopping=asyncio.Event(),
        )
        yield
        commands.close()
        fan_out.attach(None)
        await loop.run_in_executor(None, tail.stop)
        await loop.run_in_executor(None, views.close)

    async def end_streams(app: web.Application) -> None:
        app[CONTEXT].stopping.set()
        fan_out.wake()

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(end_streams)
    register(app)
    return app


def _tail(
    log: Log,
    database: Database,
    fan_out: FanOut,
    flow_texts: FlowTexts,
    settings: ApiSettings,
    on_failure: Callable[[BaseException], None] | None,
) -> Tail | GroupTail:
    if settings.views.startswith("sqlite:"):
        return Tail(log, database, fan_out, flow_texts.facts, settings.batch_records, on_failure)
    from api.projections.group import GroupTail
    from api.projections.postgres import PostgresDatabase

    assert isinstance(database, PostgresDatabase)
    return GroupTail(log, database, fan_out, flow_texts.facts, settings.batch_records, on_failure)


def health_of(tail: Tail | GroupTail, commands: Commands) -> dict[str, str]:
    """Return the state of each part of the role."""
    views = "UP" if tail.caught_up.is_set() else "catching up with the log"
    if tail.failure is not None:
        views = f"stopped: {tail.failure}"
    elif tail.trouble is not None:
        views = f"falling behind: {tail.trouble}"
    return {"views": views, "log": commands.trouble or "UP"}


@web.middleware
async def same_site(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse changes that a page of another site asks a browser for: nobody logs in here who could be told apart."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if site == "cross-site" or (site is None and origin is not None and not _is_own(request, origin)):
            raise ApiProblem(
                "forbidden", "Expected a request of this server's own pages, but a page of another site sent it"
            )
    return await handler(request)


def _is_own(request: web.Request, origin: str) -> bool:
    host = urlsplit(origin).netloc
    return host in (request.host, request.headers.get("X-Forwarded-Host")) or (
        origin.rstrip("/") == request.app[CONTEXT].settings.ui_url.rstrip("/")
    )


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem document; what wasn't foreseen is logged and says nothing about itself."""
    began = time.monotonic()
    try:
        return await handler(request)
    except ApiProblem as problem:
        return problem_response(problem, request.path)
    except BadFilter as error:
        kind = "invalid-query-filters" if error.name.startswith("filters") else "invalid-argument"
        return problem_response(ApiProblem(kind, f"{error.name}: {error}"), request.path)
    except ViewsUnavailable as error:
        return problem_response(ApiProblem("service-unavailable", str(error), retry_after_s=5), request.path)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(_foreign(request, error), request.path)
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        logger.exception("%s %s failed after %.3f s", request.method, request.path, time.monotonic() - began)
        detail = "The server met a situation it wasn't made for. Its log says more."
        return problem_response(ApiProblem("internal-error", detail), request.path)


def _foreign(request: web.Request, error: web.HTTPException) -> ApiProblem:
    """Return the problem for an error of the web framework."""
    kind = OF_STATUS.get(error.status, "bad-request")
    if error.status == 404:
        return ApiProblem(kind, f"There is nothing at {request.method} {request.path} on this server")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return ApiProblem(kind, f"{request.method} isn't possible at {request.path}; possible is {allowed}")
    return ApiProblem(kind, error.text or error.reason)
