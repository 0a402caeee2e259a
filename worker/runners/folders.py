"""The folders that attempts work in: made ahead, removed behind.

Owns their layout, whose they are, and that nothing of an attempt stays. Making and removing them takes as long as
starting a shell does, so a thread of its own does both while nobody waits; and folders that a script left exactly as it
found them, as most do, are the next one's.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections import deque
from pathlib import Path
from queue import Empty, SimpleQueue

from worker.runners.settings import ProcessSettings
from worker.storage.trees import remove_tree

logger = logging.getLogger(__name__)

SPARES = 2
"""Folders that wait for an attempt while scripts run one after the other."""
IDLE_SECONDS = 5.0
"""How long they wait: programs that tidy temporary folders up mustn't find them."""
BEHIND_MAX = 16
"""Folders that wait for their removal; whoever gives back one more removes it, so that they can't pile up."""


class AttemptFolder:
    """The folders of one attempt; only this user may enter, and nothing of them stays.

    Args:
        settings: Where, and whose.
    """

    def __init__(self, settings: ProcessSettings) -> None:
        base = settings.folder
        if base is not None and not base.is_dir():
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="penstock-", dir=base)))
        self.work = self.root / "work"
        """Where the script runs, and what `outputFiles` are looked for in. It may be set to a folder that others share:
        that isn't this class's to remove."""
        self.temporary = self.root / "tmp"
        self.home = self.root / "home"
        self.output = self.root / "output"
        """Where scripts with `outputDirectory` leave files; made for those only."""
        self.occupied = False
        """A process may be at work in it."""
        self.user = settings.user
        """User and group that scripts get; None: those of the worker."""
        self.own_work = self.work
        """What `work` is where nobody shares."""
        for folder in (self.work, self.temporary, self.home):
            os.mkdir(folder, 0o700)
        self.give(self.root, self.work, self.temporary, self.home)
        self._new = [_trait(each) for each in self._own()]

    @property
    def variables(self) -> dict[str, str]:
        """Variables of templates that say where the folders are."""
        return {"workingDir": str(self.work), "outputDir": str(self.output)}

    def make_output(self) -> None:
        """Make the folder for output files."""
        self.output.mkdir(mode=0o700)
        self.give(self.output)

    def give(self, *paths: Path) -> None:
        """Let the script's user have files that the worker has made."""
        if self.user is not None:
            for path in paths:
                os.chown(path, *self.user, follow_symlinks=False)

    def _own(self) -> tuple[Path, ...]:
        return self.own_work, self.temporary, self.home, self.root

    def is_as_new(self) -> bool:
        """Return whether nothing was put into the folders or changed of them, and nobody is there."""
        if self.occupied:
            return False
        try:
            *inner, root = self._own()
            if len(os.listdir(root)) != len(inner) or any(map(os.listdir, inner)):
                return False
            return [_trait(each) for each in self._own()] == self._new
        except OSError:
            return False

    def remove(self) -> None:
        """Delete everything, whatever modes the script has set."""
        try:
            # Most scripts leave nothing, and this takes a third of the time.
            for own in self._own():
                os.rmdir(own)
            return
        except OSError:
            remove_tree(self.root)


def _trait(folder: Path) -> tuple[int, int, int, int, list[tuple[str, bytes]]]:
    """Return what a script can change of a folder itself: inode, mode, owners, attributes (access lists are those)."""
    found = os.lstat(folder)
    names = os.listxattr(folder, follow_symlinks=False)
    attributes = [(name, os.getxattr(folder, name, follow_symlinks=False)) for name in names]
    return found.st_ino, found.st_mode, found.st_uid, found.st_gid, attributes


class Folders:
    """Hands out folders for attempts and takes them back. Any thread may use it.

    Args:
        settings: Where they are, and whose.
    """

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._spares: deque[AttemptFolder] = deque()
        self._behind: SimpleQueue[AttemptFolder | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._closed = False

    def take(self) -> AttemptFolder:
        """Return a fresh folder.

        Raises:
            OSError: If none can be made.
        """
        try:
            return self._spares.popleft()
        except IndexError:
            return AttemptFolder(self._settings)

    def give_back(self, folder: AttemptFolder) -> None:
        """Have a folder removed, now or in a moment; one that others share stays."""
        folder.work = folder.own_work
        with self._lock:
            soon = not self._closed and self._behind.qsize() < BEHIND_MAX
            if soon:
                self._behind.put(folder)
                if self._keeper is None:
                    self._keeper = threading.Thread(target=self._keep, name="worker-folders", daemon=True)
                    self._keeper.start()
        if not soon:
            folder.remove()

    def close(self) -> None:
        """Remove all that were given back, and the spare ones."""
        with self._lock:
            self._closed = True
            keeper, self._keeper = self._keeper, None
            self._behind.put(None)
        if keeper is not None:
            keeper.join()

    def _keep(self) -> None:
        while True:
            try:
                folder = self._behind.get(timeout=IDLE_SECONDS if self._spares else None)
            except Empty:
                self._remove_spares()
                continue
            if folder is None:
                self._remove_spares()
                return
            if len(self._spares) < SPARES and folder.is_as_new():
                self._spares.append(folder)
                continue
            folder.remove()
            try:
                if len(self._spares) < SPARES:
                    self._spares.append(AttemptFolder(self._settings))
            except OSError as error:  # whoever needs a folder is told
                logger.debug("no folder could be made ahead: %s", error)

    def _remove_spares(self) -> None:
        while self._spares:
            try:
                self._spares.popleft().remove()
            except IndexError:
                return  # an attempt was quicker
