"""Making and reading files below a folder that scripts write to, too.

Owns the way there: one part of the path after the other, each opened within the one before, so that a link, or a script
that puts one there meanwhile, leads nobody out of the folder. Which names are allowed is `paths.py`'s.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from worker.storage.paths import checked
from worker.storage.port import StorageError

DEPTH_MAX = 100
"""Folders within folders that are looked through: whoever nests them deeper does it on purpose."""

_ENTER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def create(base: Path, path: str, owner: tuple[int, int] | None) -> BinaryIO:
    """Open a new file for writing, in place of one that is there; make the folders on the way.

    Args:
        base: Where the path begins.
        path: Relative; see `worker.storage.paths.checked`.
        owner: User and group that get what is made; None: it stays the worker's.

    Raises:
        StorageError: If the path isn't allowed, or one of its parts is something else than a folder.
    """
    *folders, name = checked(path).split("/")
    here = os.open(base, _ENTER)
    try:
        for folder in folders:
            inner = _entered(here, folder, path, owner)
            os.close(here)
            here = inner
        return _created(here, name, path, owner)
    finally:
        os.close(here)


def _entered(here: int, folder: str, path: str, owner: tuple[int, int] | None) -> int:
    try:
        made = not _is_there(here, folder)
        if made:
            os.mkdir(folder, 0o700, dir_fd=here)
        inner = os.open(folder, _ENTER, dir_fd=here)
    except OSError as error:
        raise _refused(path, error) from error
    if made and owner is not None:
        os.chown(folder, *owner, dir_fd=here, follow_symlinks=False)
    return inner


def _created(here: int, name: str, path: str, owner: tuple[int, int] | None) -> BinaryIO:
    try:
        # Not emptied but replaced: another name of the same file, or a link, may lie elsewhere.
        if _is_there(here, name):
            os.unlink(name, dir_fd=here)
        descriptor = os.open(name, _CREATE, 0o600, dir_fd=here)
    except OSError as error:
        raise _refused(path, error) from error
    if owner is not None:
        os.fchown(descriptor, *owner)
    return os.fdopen(descriptor, "wb")


def _is_there(here: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _refused(path: str, error: OSError) -> StorageError:
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        return StorageError(f"Expected only folders on the way to {path[:200]!r}, but there is a file or a link")
    if error.errno == errno.EISDIR:
        return StorageError(f"Expected a file at {path[:200]!r}, but there is a folder")
    return StorageError(f"The file {path[:200]!r} can't be written: {error.strerror}")


@contextmanager
def opened(base: Path, path: str) -> Iterator[BinaryIO | None]:
    """Open a file for reading; None if something else than a plain file is there.

    Raises:
        FileNotFoundError: If nothing is there.
        StorageError: If the path isn't allowed.
    """
    *folders, name = checked(path).split("/")
    here = os.open(base, _ENTER)
    try:
        for folder in folders:
            inner = os.open(folder, _ENTER, dir_fd=here)
            os.close(here)
            here = inner
        file = os.fdopen(os.open(name, _READ, dir_fd=here), "rb")
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
        yield None
        return
    finally:
        os.close(here)
    with file:
        yield file if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None


class Found:
    """A file that was met on a walk. It must be opened before the walk goes on."""

    __slots__ = ("_folder", "_name", "path", "stat")

    def __init__(self, folder: int, name: str, path: str, found: os.stat_result) -> None:
        self._folder = folder
        self._name = name
        self.path = path
        """Relative to where the walk began; bytes that are no UTF-8 are replaced."""
        self.stat = found

    @property
    def plain(self) -> bool:
        """True if it is a file, and no link, device, or the like."""
        return stat.S_ISREG(self.stat.st_mode)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading.

        Raises:
            OSError: If it is no plain file any more, or can't be read.
        """
        with os.fdopen(os.open(self._name, _READ, dir_fd=self._folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, f"{self.path} isn't a plain file")
            yield file


def walk(base: Path) -> Iterator[Found]:
    """Yield every file below a folder, folders and files by name; links are among them, and aren't followed.

    Raises:
        StorageError: If folders are nested too deep.
    """
    start = len(str(base).rstrip("/")) + 1
    for folder, folders, names, here in os.fwalk(base):
        within = folder[start:]
        if within.count("/") >= DEPTH_MAX:
            raise StorageError(f"Expected folders nested at most {DEPTH_MAX} deep, but {within[:200]!r} goes on")
        folders.sort()
        for name in sorted(names):
            try:
                found = os.stat(name, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = os.path.join(within, name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            yield Found(here, name, path, found)
