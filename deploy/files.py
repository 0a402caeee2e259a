"""Files that come in and go out by HTTP, in the storage that workers use.

Owns the meeting of the api's asynchronous side with the storage's blocking one, and where files of an execution lie;
what a task may read of them is `worker/storage/access.py`'s.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import BinaryIO, TypeVar, cast

from engine.key_values import check_namespace
from worker.storage.access import namespace_folder, namespace_paths
from worker.storage.paths import checked, uri_of
from worker.storage.port import Storage, StorageError

MEMORY_BYTES_MAX = 1 << 20
"""Of an incoming file; a larger one waits on disk until it is whole, so that nobody ever sees a part."""
CHUNK_BYTES = 1 << 18

Found = TypeVar("Found")


class ApiFiles:
    """See `api.storage.FileStorage`.

    Args:
        storage: Where workers look too.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def put(
        self, execution_id: str, name: str, data: AsyncIterator[bytes], *, namespace: str, flow_id: str
    ) -> str:
        """Store a file of an execution and return its URI; raises ValueError if its name can't be."""
        return await self._put(f"{namespace.replace('.', '/')}/{flow_id}/executions/{execution_id}/{name}", data)

    async def put_in_namespace(self, namespace: str, path: str, data: AsyncIterator[bytes]) -> str:
        """Store a file of a namespace and return its URI; raises ValueError if its name can't be."""
        return await self._put(namespace_folder(check_namespace(namespace)) + path, data)

    def uri_in_namespace(self, namespace: str, path: str) -> str:
        """Return the URI of a file of a namespace, whether or not it is there; raises ValueError if it can't be one."""
        try:
            return uri_of(namespace_folder(check_namespace(namespace)) + checked(path))
        except StorageError as error:
            raise ValueError(str(error)) from error

    async def paths_in_namespace(self, namespace: str, most: int) -> list[str]:
        """Return the paths of a namespace's files, in order; raises ValueError if there are more than `most`."""
        found = await asyncio.to_thread(self._paths, check_namespace(namespace), most + 1)
        if len(found) > most:
            raise ValueError(f"Expected a namespace of at most {most} files, but {namespace} has more")
        return sorted(found)

    def _paths(self, namespace: str, most: int) -> list[str]:
        try:
            return list(islice(namespace_paths(self._storage, namespace), most))
        except StorageError as error:
            raise ValueError(str(error)) from error

    async def remove(self, uri: str) -> None:
        """Remove a file; raises FileNotFoundError if there is no such file."""
        await _found(self._storage.remove, uri)

    async def _put(self, path: str, data: AsyncIterator[bytes]) -> str:
        with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES_MAX) as whole:
            async for chunk in data:
                await asyncio.to_thread(whole.write, chunk)
            whole.seek(0)
            try:
                return await asyncio.to_thread(self._storage.put, path, cast("BinaryIO", whole))
            except StorageError as error:
                raise ValueError(str(error)) from error

    async def get(self, uri: str) -> AsyncIterator[bytes]:
        """Return the contents piece by piece; raises FileNotFoundError if there is no such file."""
        return _pieces(await _found(self._storage.open, uri))

    async def size(self, uri: str) -> int:
        """Return the size in bytes; raises FileNotFoundError if there is no such file."""
        return await _found(self._storage.size, uri)


async def _found(ask: Callable[[str], Found], uri: str) -> Found:
    try:
        return await asyncio.to_thread(ask, uri)
    except StorageError as error:
        raise FileNotFoundError(str(error)) from error


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield piece
