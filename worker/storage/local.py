"""Files in a folder of this host, or of a file system that all hosts share."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, NoReturn, cast
from zlib import crc32

from worker.storage.paths import checked, inside, path_of, uri_of
from worker.storage.port import FileMissing, StorageError
from worker.storage.shared import FOLDER, LocalSharedFolders

SWAPS = ".swaps"
"""Folder of the locks of `swap`. No name of a flow begins with a dot."""
UNFINISHED = ".put-"
"""How names of files begin that are being written."""
SWAP_LOCKS = 64
"""So many swaps of different files can happen at once; files share locks, so that locks don't pile up like files."""


class LocalStorage:
    """See `worker.storage.port.Storage`.

    Args:
        folder: Where the files are; made when it is missing, open to this user only.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self.shared = LocalSharedFolders(self._folder)

    def put(self, path: str, source: BinaryIO) -> str:
        """See `worker.storage.port.Storage.put`."""
        target = self._place(path)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=UNFINISHED, dir=target.parent)
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

    def remove(self, uri: str) -> None:
        """See `worker.storage.port.Storage.remove`."""
        file = self._file(uri)
        try:
            file.unlink()
        except OSError as error:
            _refuse(uri, error)

    def files_in(self, path: str) -> list[str]:
        """See `worker.storage.port.Storage.files_in`."""
        return self._names(path, folders=False)

    def folders_in(self, path: str) -> list[str]:
        """See `worker.storage.port.Storage.folders_in`."""
        return self._names(path, folders=True)

    def swap(self, path: str, before: bytes | None, after: bytes | None) -> bool:
        """See `worker.storage.port.Storage.swap`."""
        target = self._place(path)
        locks = self._folder / SWAPS
        lock = crc32(path.encode()) % SWAP_LOCKS
        try:
            locks.mkdir(mode=0o700, exist_ok=True)
            with (locks / f"{lock}.lock").open("ab") as held:
                # Closing gives it back, and so does the end of a process that dies here.
                fcntl.flock(held, fcntl.LOCK_EX)
                if _contents(target) != before:
                    return False
                if after is None:
                    target.unlink(missing_ok=True)
                else:
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    # Whoever holds the lock overwrites what a process that died has left here.
                    _write_durably(locks / f"{lock}.new", after)
                    os.replace(locks / f"{lock}.new", target)
                if target.parent.exists():
                    _make_durable(target.parent)
        except OSError as error:
            raise StorageError(f"The file {path!r} can't be changed: {error.strerror}") from error
        return True

    def _names(self, path: str, *, folders: bool) -> list[str]:
        try:
            with os.scandir(self._place(path)) as found:
                return sorted(
                    each.name
                    for each in found
                    if not each.name.startswith(UNFINISHED) and (each.is_dir() if folders else each.is_file())
                )
        except (FileNotFoundError, NotADirectoryError):
            return []
        except StorageError:
            raise
        except OSError as error:
            raise StorageError(f"The folder {path!r} can't be read: {error.strerror}") from error

    def _file(self, uri: str) -> Path:
        return self._place(path_of(uri))

    def _place(self, path: str) -> Path:
        if checked(path).partition("/")[0] == FOLDER:
            # What scripts put there may be links, and is nobody else's.
            raise StorageError(f"Files of shared folders have no address, but got {path[:200]!r}")
        return inside(self._folder, path)


def _refuse(uri: str, error: OSError) -> NoReturn:
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        raise FileMissing(f"There is no file {uri!r}") from error
    raise StorageError(f"The file {uri!r} can't be had: {error.strerror}") from error


def _contents(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _write_durably(file: Path, contents: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(contents)
        opened.flush()
        os.fsync(opened.fileno())


def _make_durable(folder: Path) -> None:
    """Make that a file came or went in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
