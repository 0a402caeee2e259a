"""Files in a folder of this host, or of a file system that all hosts share."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

from worker.storage.paths import inside, path_of, uri_of
from worker.storage.port import StorageError


class LocalStorage:
    """See `worker.storage.port.Storage`.

    Args:
        folder: Where the files are; made when it is missing, open to this user only.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder.resolve()

    def put(self, path: str, source: BinaryIO) -> str:
        """See `worker.storage.port.Storage.put`."""
        target = inside(self._folder, path)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".put-", dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                os.replace(temporary, target)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise StorageError(f"The file {path!r} can't be stored: {error.strerror}") from error
        return uri_of(path)

    def open(self, uri: str) -> BinaryIO:
        """See `worker.storage.port.Storage.open`."""
        file = self._file(uri)
        try:
            return cast("BinaryIO", file.open("rb"))
        except OSError as error:
            _refuse(uri, error)

    def size(self, uri: str) -> int:
        """See `worker.storage.port.Storage.size`."""
        file = self._file(uri)
        try:
            return file.stat().st_size
        except OSError as error:
            _refuse(uri, error)

    def exists(self, uri: str) -> bool:
        """See `worker.storage.port.Storage.exists`."""
        return self._file(uri).is_file()

    def fetch(self, uri: str, target: Path) -> None:
        """See `worker.storage.port.Storage.fetch`."""
        with self.open(uri) as source, target.open("xb") as file:
            os.chmod(file.fileno(), 0o600)
            shutil.copyfileobj(source, file, 1 << 20)

    def _file(self, uri: str) -> Path:
        return inside(self._folder, path_of(uri))


def _refuse(uri: str, error: OSError) -> NoReturn:
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        raise StorageError(f"There is no file {uri!r}") from error
    raise StorageError(f"The file {uri!r} can't be read: {error.strerror}") from error
