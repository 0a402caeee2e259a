"""Keeps two processes from opening one log directory.

Owns the lock file and its message. RocksDB has a lock of its own, which says neither who nor what to do.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from topics.ports import FatalLogError

LOCK_FILE = "penstock.lock"


class DirectoryLock:
    """Holds a directory until `release`; the kernel lets it go when the process dies, however it dies.

    Args:
        directory: Is created if it doesn't exist, readable by its owner only.

    Raises:
        FatalLogError: If another process, or another log in this one, holds it, or it can't be made.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FatalLogError(
                f"The log can't be in {directory}: {error.strerror}. Name another folder, or mend the rights and the "
                "disk of this one."
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 1000, 0).decode(errors="replace").strip() or "another process"
            os.close(self._fd)
            raise FatalLogError(
                f"The log in {directory} is open in {holder}. Stop that process, or give this one another directory."
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"process {os.getpid()} ({Path(sys.argv[0]).name})\n".encode(), 0)

    def release(self) -> None:
        """Let others open the directory."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
