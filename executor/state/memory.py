"""The store in memory: for the simulator, and for executors that are told to keep nothing on disk."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping


class MemoryStore:
    """A dict with its keys in order."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        return self._values.get(key)

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See `Store.scan`."""
        first, last = bisect_left(self._keys, start), bisect_left(self._keys, end)
        yield from [(key, self._values[key]) for key in self._keys[first:last]]

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """See `Store.write`."""
        for key, value in changes.items():
            if value is None:
                if self._values.pop(key, None) is not None:
                    del self._keys[bisect_left(self._keys, key)]
            else:
                if key not in self._values:
                    insort(self._keys, key)
                self._values[key] = value

    def close(self) -> None:
        """Nothing to release."""
