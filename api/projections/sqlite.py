"""The views in one SQLite file: write-ahead log, one writer, any number of readers.

The file is a cache of the log: a power failure may lose its last transactions whole, and then they are folded again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from api.projections import tables
from api.projections.database import Params, ViewsUnavailable

BUSY_S = 30.0
"""How long a statement waits for another process that writes (a rebuild)."""


class SqliteConnection:
    """One connection to the file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self._connection.execute(sql, params).fetchall()

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run a statement and return how many rows it changed."""
        return self._connection.execute(sql, params).rowcount

    def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run a statement for each row of parameters."""
        self._connection.executemany(sql, rows)

    def begin(self) -> None:
        """Open a transaction that may write at once."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the transaction count."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction, if one is open."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class SqliteDatabase:
    """The views in the file `path`."""

    lost = (sqlite3.OperationalError,)

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Create the file and its tables; drop those of another version."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._prepare()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise ViewsUnavailable(
                f"The views in {self._path} are damaged: {error}. They are a fold of the log: with the process "
                "stopped, run `penstock views rebuild`, or delete the file"
            ) from error

    def _prepare(self) -> None:
        connection = self.writer()
        try:
            connection.query("PRAGMA journal_mode = WAL")
            known = connection.query("SELECT name FROM sqlite_master WHERE type = 'table'")
            version = connection.query("SELECT version FROM views") if ("views",) in known else []
            connection.begin()
            if version != [(tables.VERSION,)]:
                for name in tables.NAMES:
                    connection.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in tables.TABLES.format(clustered=" WITHOUT ROWID").split(";"):
                connection.execute(statement)
            if version != [(tables.VERSION,)]:
                connection.execute("INSERT INTO views VALUES (?)", (tables.VERSION,))
            connection.commit()
        finally:
            connection.close()

    def take_over(self, fresh: Path) -> None:
        """Have the contents of another file, in one transaction: who has this one open sees all of it or nothing.

        A file that is damaged beyond that gives way to the other.
        """
        source = self._connect(f"file:{_quoted(fresh)}?mode=ro")
        target = self._connect(f"file:{_quoted(self._path)}")
        try:
            source.backup(target)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            source.close()
            target.close()
            self.remove()
            fresh.replace(self._path)
        finally:
            source.close()
            target.close()

    def remove(self) -> None:
        """Delete the file and what SQLite keeps beside it."""
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def writer(self) -> SqliteConnection:
        """Return a connection that may write. A process crash loses nothing, a power failure whole transactions."""
        connection = self._connect(f"file:{_quoted(self._path)}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        return SqliteConnection(connection)

    def reader(self) -> SqliteConnection:
        """Return a connection that may only read."""
        connection = self._connect(f"file:{_quoted(self._path)}?mode=ro")
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA cache_size = -4000")
        return SqliteConnection(connection)

    def _connect(self, uri: str) -> sqlite3.Connection:
        try:
            return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise ViewsUnavailable(
                f"Can't open the views in {self._path}: {error}. Check the folder's rights."
            ) from error


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
