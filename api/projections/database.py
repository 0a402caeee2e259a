"""What the views ask of a SQL database. Two stand behind it: `sqlite.py` and `postgres.py`.

Statements are written once, with `?` for parameters and the syntax that both databases share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Params = Sequence[Any]


class Connection(Protocol):
    """One connection; it belongs to one thread."""

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        ...

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run a statement and return how many rows it changed."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run a statement for each row of parameters."""
        ...

    def begin(self) -> None:
        """Open a transaction."""
        ...

    def commit(self) -> None:
        """Make the transaction count."""
        ...

    def rollback(self) -> None:
        """Forget the transaction."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class Database(Protocol):
    """Where the views are kept."""

    def prepare(self) -> None:
        """Create what is missing. Tables of another version are dropped: the log builds them again."""
        ...

    def writer(self) -> Connection:
        """Return a connection that may change the views."""
        ...

    def reader(self) -> Connection:
        """Return a connection that may not."""
        ...

    @property
    def lost(self) -> tuple[type[Exception], ...]:
        """Errors after which a connection is no longer of use, or a transaction may be tried again."""
        ...


class ViewsUnavailable(Exception):
    """The database can't be opened or read. The message says what to do."""

    retriable: bool = True
