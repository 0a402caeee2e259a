"""Removing the folders that attempts have shared, once nobody needs them any more.

Owns the thread that does it. That one isn't needed any more is known by the engine; when its word was lost, or nobody
restarts what failed, folders go by age. Where they are is the storage's (`port.py`).
"""

from __future__ import annotations

import logging
import threading
from queue import Empty, SimpleQueue

from worker.storage.port import UNUSED_S, SharedFolders

logger = logging.getLogger(__name__)

SWEEP_S = 3_600.0
"""How often a worker says which ones it uses, and looks for old ones."""
BEHIND_MAX = 1_000
"""Folders that wait for their removal; what comes beyond goes by age."""


class FolderKeeper:
    """Removes shared folders behind those who used them. Any thread may use it.

    Args:
        folders: Where they are.
    """

    def __init__(self, folders: SharedFolders) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._behind: SimpleQueue[str | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def discard(self, name: str) -> None:
        """Have a folder removed in a moment."""
        if self._behind.qsize() < BEHIND_MAX:
            self._behind.put(name)

    def start(self) -> None:
        """Begin to remove: what is discarded, and now and every hour what is old."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="worker-shared-folders", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Remove what was discarded, and stop."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._behind.put(None)
            thread.join()

    def _keep(self) -> None:
        self._sweep()
        while True:
            try:
                name = self._behind.get(timeout=SWEEP_S)
            except Empty:
                self._sweep()
                continue
            if name is None:
                return
            try:
                self._folders.remove(name)
            except Exception:
                logger.warning("the shared folder %s can't be removed, it goes by age", name, exc_info=True)

    def _sweep(self) -> None:
        try:
            removed = self._folders.sweep(UNUSED_S)
        except Exception:
            logger.warning("old shared folders can't be removed, another time", exc_info=True)
            return
        if removed:
            logger.info("%d shared folders that nobody had used for long were removed", removed)
