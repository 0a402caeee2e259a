"""What tasks ask of a storage for files.

Owns the Protocols and their errors. Which files an attempt may see is `access.py`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

UNUSED_S = 7 * 86_400.0
"""How long a shared folder that nobody uses is kept: what failed in it may be restarted."""


class StorageError(OSError):
    """A file can't be stored or read; the message says why, in words for the flow's author."""


class FileMissing(StorageError):
    """There is no such file."""


class SharedFolders(Protocol):
    """Folders that attempts use one after the other, on whichever host they run. Any thread may call it."""

    def take(self, name: str, owner: tuple[int, int] | None, *, make: bool = True) -> Path | None:
        """Return the folder on this host's file system, with what was in it when it was given back last.

        Args:
            name: Its name: letters, digits, hyphens.
            owner: User and group that may work in it besides the worker; None: nobody.
            make: Whether an empty one is made if there is none.

        Returns:
            An absolute path without links; None if there is none and none is to be made.

        Raises:
            StorageError: If it can't be had.
        """
        ...

    def give_back(self, name: str, path: Path) -> None:
        """Let whoever takes the folder next find what is in `path` now.

        Raises:
            StorageError: If that isn't possible.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a folder; one that isn't there is no error."""
        ...

    def sweep(self, unused_s: float) -> int:
        """Remove folders that nobody has had for so many seconds, and say how many.

        What is taken here counts as had now, also for the sweeps of others.
        """
        ...


class Storage(Protocol):
    """Keeps files under URIs (`kestra:///…`). Any thread may call it."""

    @property
    def shared(self) -> SharedFolders:
        """Its folders that attempts share."""
        ...

    def put(self, path: str, source: BinaryIO) -> str:
        """Store a file under a path such as `company/team/flow/executions/…/report.csv`, and return its URI.

        A file that is there is replaced at once: readers see the old one or the new one, never a part.

        Raises:
            StorageError: If the path isn't allowed or the disk refuses.
        """
        ...

    def open(self, uri: str) -> BinaryIO:
        """Return the contents; the caller closes them.

        Raises:
            StorageError: If the URI isn't allowed; FileMissing if there is no such file.
        """
        ...

    def size(self, uri: str) -> int:
        """Return the size in bytes.

        Raises:
            StorageError: As `open` does.
        """
        ...

    def exists(self, uri: str) -> bool:
        """Tell whether there is such a file.

        Raises:
            StorageError: If the URI isn't allowed.
        """
        ...

    def fetch(self, uri: str, target: Path) -> None:
        """Copy a file to a local one, which must not exist.

        Raises:
            StorageError: As `open` does.
        """
        ...

    def remove(self, uri: str) -> None:
        """Remove a file.

        Raises:
            StorageError: As `open` does, or if the disk refuses.
        """
        ...

    def files_in(self, path: str) -> list[str]:
        """Return the names of the files that lie directly in a folder, sorted; none if there is no such folder.

        Raises:
            StorageError: If the path isn't allowed or can't be read.
        """
        ...

    def folders_in(self, path: str) -> list[str]:
        """Return the names of the folders that lie directly in a folder, as `files_in` does."""
        ...

    def swap(self, path: str, before: bytes | None, after: bytes | None) -> bool:
        """Replace a small file if it is still what the caller has seen, whoever else does the same anywhere.

        Readers see the old contents or the new ones. Once it has returned True, a power failure doesn't undo it.

        Args:
            path: Of the file, as for `put`.
            before: What the caller has seen; None: no file.
            after: What is to be there; None: no file.

        Returns:
            False, and nothing is changed, if the contents aren't `before`.

        Raises:
            StorageError: If the path isn't allowed or the disk refuses.
        """
        ...
