"""What the API asks of a storage for files. The composition root passes one in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


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
