"""What the API asks of a storage for files and of the key-value stores. The composition root passes them in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from engine.key_values import Content, Entry


class FileStorage(Protocol):
    """Keeps files under URIs (`kestra:///…`)."""

    async def put(
        self, execution_id: str, name: str, data: AsyncIterator[bytes], *, namespace: str, flow_id: str
    ) -> str:
        """Store a file of an execution and return its URI.

        Args:
            execution_id: Whose file it is.
            name: Path below the execution's own place, such as `inputs/data/report.csv`.
            data: The contents, piece by piece.
            namespace: Of the execution's flow.
            flow_id: Of the execution's flow.
        """
        ...

    async def get(self, uri: str) -> AsyncIterator[bytes]:
        """Return the contents piece by piece.

        Raises:
            FileNotFoundError: If there is no such file.
        """
        ...

    async def size(self, uri: str) -> int:
        """Return the size in bytes.

        Raises:
            FileNotFoundError: If there is no such file.
        """
        ...

    async def put_in_namespace(self, namespace: str, path: str, data: AsyncIterator[bytes]) -> str:
        """Store a file of a namespace, in place of one that is there, and return its URI; ValueError if that can't be.

        Args:
            namespace: Whose file it is.
            path: Relative, within the namespace's files.
            data: The contents, piece by piece.
        """
        ...

    def uri_in_namespace(self, namespace: str, path: str) -> str:
        """Return the URI of a file of a namespace, whether or not it is there; ValueError if it can't be one."""
        ...

    async def paths_in_namespace(self, namespace: str, most: int) -> list[str]:
        """Return the paths of a namespace's files, in order; ValueError if there are more than `most`."""
        ...

    async def remove(self, uri: str) -> None:
        """Remove a file.

        Raises:
            FileNotFoundError: If there is no such file.
        """
        ...


class KeyValueStores(Protocol):
    """The key-value stores of all namespaces. Every call may wait for a disk: call it in a thread.

    What can't be a namespace, a key or a value raises ValueError, in words for the client; a storage that refuses
    raises OSError.
    """

    def find(self, namespace: str, key: str) -> Entry | None:
        """Return an entry even if it has expired, None if there is none."""
        ...

    def get(self, namespace: str, key: str) -> Entry | None:
        """Return an entry, None if there is none or it has expired."""
        ...

    def set(self, namespace: str, key: str, content: Content) -> Entry:
        """Set a key, and return its entry."""
        ...

    def delete(self, namespace: str, key: str) -> bool:
        """Delete a key, and tell whether there was a live one."""
        ...

    def entries(self, namespace: str) -> list[Entry]:
        """Return the live entries of a namespace, in order of their keys; ValueError if there are too many."""
        ...

    def namespaces(self) -> list[str]:
        """Return the namespaces that have or had keys, in order."""
        ...

    def expiry(self, ttl_ms: int | None) -> int | None:
        """Return when what is set now expires; None: never."""
        ...
