"""What an executor asks of the store of its rows.

Owns the Protocol only. Everything in the store is a fold of acknowledged steps: it needs no fsync, and losing it costs
time, not data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol


class StoreError(Exception):
    """The rows' database can't be opened or written; the message says what to do."""

    retriable = False


class Store(Protocol):
    """Ordered keys and values; a write is atomic."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None if the key isn't there."""
        ...

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) with start <= key < end, in order."""
        ...

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Put and, where the value is None, delete: all or nothing."""
        ...

    def close(self) -> None:
        """Close the store; what was written stays."""
        ...
