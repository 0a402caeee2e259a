"""The door through which the event loop reads the views: questions run in a few threads, each with its connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from api.projections.database import Connection, Database, ViewsUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Views:
    """Reads the views.

    Args:
        database: Where they are.
        threads: How many questions run at once.
    """

    def __init__(self, database: Database, threads: int) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="views-read")
        self._local = threading.local()
        self._opened: list[Connection] = []

    async def ask(self, question: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a question (see `queries.py`) with a connection in a thread, and return its answer.

        Raises:
            ViewsUnavailable: If the database doesn't answer.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: self._answer(question, *args, **kwargs)
        )

    def close(self) -> None:
        """End the threads and their connections."""
        self._pool.shutdown(wait=True)
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def _answer(self, question: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._database.reader()
            self._opened.append(connection)
        try:
            return question(connection, *args, **kwargs)
        except self._database.lost as error:
            self._local.connection = None
            raise ViewsUnavailable(f"The views can't be read: {error}") from error
