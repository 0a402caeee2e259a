"""The views in PostgreSQL, shared by several API processes.

Owns connections and the differences from SQLite: parameters, NUL characters, notifications after a commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import psycopg

from api.projections import tables
from api.projections.database import Params, ViewsUnavailable

CHANNEL = "penstock_views"
PREPARING = 7_301_455_211
"""Key of the advisory lock under which one process at a time creates tables."""
STATEMENT_TIMEOUT_MS = 60_000


@lru_cache(maxsize=512)
def _translated(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _clean(params: Params) -> Params:
    """Return parameters without NUL characters, which PostgreSQL's text can't hold."""
    return [p.replace("\x00", "\ufffd") if isinstance(p, str) and "\x00" in p else p for p in params]


class PostgresConnection:
    """One connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self._connection.execute(_translated(sql), _clean(params)).fetchall()

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run a statement and return how many rows it changed."""
        return self._connection.execute(_translated(sql), _clean(params)).rowcount

    def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run a statement for each row of parameters, in one round trip."""
        with self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql), [_clean(row) for row in rows])

    def begin(self) -> None:
        """Open a transaction."""
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        """Make the transaction count."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction, if the connection still stands."""
        if not self._connection.closed:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def listen(self) -> None:
        """Ask for notifications of commits."""
        self._connection.execute(f"LISTEN {CHANNEL}")

    def notified(self, timeout_s: float) -> Iterator[str]:
        """Yield what was notified within the time."""
        for notice in self._connection.notifies(timeout=timeout_s):
            yield notice.payload

    def notify(self, moved: Iterable[tuple[str, int, int]]) -> None:
        """Tell all listeners when this transaction is committed: which partitions (topic, number) stand where now."""
        payload = ",".join(f"{topic}:{number}:{offset}" for topic, number, offset in moved)
        self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


class PostgresDatabase:
    """The views at an address `postgresql://…`."""

    lost = (psycopg.OperationalError, psycopg.InterfaceError)

    def __init__(self, address: str) -> None:
        self._address = address

    def prepare(self) -> None:
        """Create the tables; drop those of another version."""
        connection = self.writer()
        try:
            connection.begin()
            connection.query("SELECT pg_advisory_xact_lock(?)", (PREPARING,))
            known = connection.query("SELECT to_regclass('views') IS NOT NULL")[0][0]
            version = connection.query("SELECT version FROM views") if known else []
            if version != [(tables.VERSION,)]:
                for name in tables.NAMES:
                    connection.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in tables.TABLES.format(clustered="").split(";"):
                if statement.strip():
                    connection.execute(statement)
            if version != [(tables.VERSION,)]:
                connection.execute("INSERT INTO views VALUES (?)", (tables.VERSION,))
            connection.commit()
        finally:
            connection.close()

    def clear(self) -> None:
        """Empty the views. An API that runs on them finds no position where it left one, and begins anew."""
        connection = self.writer()
        try:
            connection.begin()
            # Every batch moves a position first: so none is half way through when the tables are taken.
            connection.execute("LOCK TABLE positions IN ACCESS EXCLUSIVE MODE")
            connection.execute(f"TRUNCATE {', '.join(name for name in tables.NAMES if name != 'views')}")
            connection.commit()
        finally:
            connection.close()

    def writer(self) -> PostgresConnection:
        """Return a connection that may write."""
        return self._connect("")

    def reader(self) -> PostgresConnection:
        """Return a connection that may only read, and not for ever."""
        return self._connect(f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS}")

    def _connect(self, options: str) -> PostgresConnection:
        try:
            connection = psycopg.connect(self._address, autocommit=True, options=options, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise ViewsUnavailable(f"PostgreSQL can't be reached: {error}. Check the address of the views.") from error
        return PostgresConnection(connection)
