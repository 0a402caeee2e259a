"""Shared folders of a storage that is itself a folder: they lie in it, and every host sees them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
import threading
import time
from collections import Counter
from itertools import islice
from pathlib import Path

from worker.storage.paths import checked
from worker.storage.port import StorageError
from worker.storage.trees import remove_tree

FOLDER = ".shared"
"""Where they lie. No namespace begins with a dot, and no URI leads there."""
LEFT_OVER_S = 3_600.0
"""When what a killed worker was making or removing is removed by others."""
SWEPT_MAX = 1_000
"""Folders that one sweep removes, so that it ends; the next one goes on."""
_PASSABLE = 0o711
"""Others may go through to what they know the name of, and can't see what else is there."""
_INNER = re.compile(r"[0-9a-f]{32}")


class LocalSharedFolders:
    """See `worker.storage.port.SharedFolders`.

    Each has an outer folder by its name, which is the worker's, and in it one with a name that only chance knows: a
    script that runs as another user than the worker can't list the outer ones, so it finds no folder but its own.

    Args:
        storage: The storage's folder, without links in its path.
    """

    def __init__(self, storage: Path) -> None:
        self._storage = storage
        self._base = storage / FOLDER
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        """By name, how often it was taken here and not given back."""

    def take(self, name: str, owner: tuple[int, int] | None, *, make: bool = True) -> Path | None:
        """See `worker.storage.port.SharedFolders.take`."""
        outer = self._outer(name)
        with self._lock:
            self._taken[name] += 1
        found = None
        try:
            found = self._found(outer, owner, make)
            if found is not None and owner is not None:
                _check_enterable(found, owner)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"The shared folder can't be made: {error.strerror}") from error
        finally:
            if found is None:
                self._untake(name)
        return found

    def give_back(self, name: str, path: Path) -> None:
        """See `worker.storage.port.SharedFolders.give_back`: what is in it is where all look already."""
        self._touch(self._outer(name))
        self._untake(name)

    def remove(self, name: str) -> None:
        """See `worker.storage.port.SharedFolders.remove`."""
        self._remove(self._outer(name))

    def sweep(self, unused_s: float) -> int:
        """See `worker.storage.port.SharedFolders.sweep`."""
        with self._lock:
            taken = frozenset(self._taken)
        for name in taken:
            self._touch(self._base / name)
        try:
            with os.scandir(self._base) as entries:
                seen = [(entry.stat(follow_symlinks=False).st_mtime, entry.name) for entry in entries]
        except OSError:
            return 0  # there is none yet, or another sweep is at it
        now = time.time()
        old = (
            name
            for used_at, name in sorted(seen)
            if name not in taken and now - used_at > (LEFT_OVER_S if name.startswith(".") else unused_s)
        )
        removed = 0
        for name in islice(old, SWEPT_MAX):
            self._remove(self._base / name)
            removed += 1
        return removed

    def _outer(self, name: str) -> Path:
        if "/" in name or name.startswith("."):
            raise StorageError(f"Expected the name of a shared folder, but got {name[:200]!r}")
        return self._base / checked(name)

    def _found(self, outer: Path, owner: tuple[int, int] | None, make: bool) -> Path | None:
        found = _inner(outer)
        if found is None and make:
            found = self._make(outer, owner)
        if found is not None:
            os.utime(outer)
        return found

    def _make(self, outer: Path, owner: tuple[int, int] | None) -> Path:
        self._base.mkdir(mode=0o700, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=self._base))
        inner = new / secrets.token_hex(16)
        inner.mkdir(mode=0o700)
        if owner is not None:
            os.chown(inner, *owner)
            for each in (self._storage, self._base, new):
                os.chmod(each, _PASSABLE)
        try:
            os.rename(new, outer)
        except OSError:
            remove_tree(new)
            if not outer.is_dir():
                raise
        found = _inner(outer)
        if found is None:
            raise StorageError(f"Expected a folder in {outer.name!r}, but there is none")
        return found

    def _untake(self, name: str) -> None:
        with self._lock:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]

    def _touch(self, outer: Path) -> None:
        with contextlib.suppress(OSError):  # it was removed meanwhile: nobody needs it
            os.utime(outer)

    def _remove(self, outer: Path) -> None:
        # Away from its name at once: whoever takes that gets an empty folder, not a half one.
        gone = self._base / f".gone-{secrets.token_hex(8)}"
        try:
            os.rename(outer, gone)
        except OSError:
            return
        remove_tree(gone)


def _inner(outer: Path) -> Path | None:
    try:
        names = sorted(name for name in os.listdir(outer) if _INNER.fullmatch(name))
    except FileNotFoundError:
        return None
    for name in names:
        if not (outer / name).is_symlink():
            return outer / name
    return None


def _check_enterable(path: Path, owner: tuple[int, int]) -> None:
    user, group = owner
    for folder in reversed(path.parents):
        found = folder.stat()
        bit = 0o100 if found.st_uid == user else 0o010 if found.st_gid == group else 0o001
        if not found.st_mode & bit and user != 0:
            raise StorageError(
                f"Scripts run as user {user} here, who can't enter {folder}, where the shared folder lies: allow it "
                f"(chmod o+x), or set 'storage' to another folder"
            )
