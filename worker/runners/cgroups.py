"""Bounds for all processes of a script together, where the operator gives control groups to the worker.

Owns making and removing one group per attempt. Limits of single processes (`RLIMIT_…`) don't stop a fork bomb of root,
nor many processes that use a little memory each.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec


class CgroupSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What scripts may use in all."""

    parents: Sequence[Path]
    """Folders in which it may make groups: one with both controllers (version 2), or one for each (version 1)."""
    processes: int = 512
    memory_bytes: int | None = None


class Cgroups:
    """Makes groups. Any thread may use it."""

    def __init__(self, settings: CgroupSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._used: list[Path] = []

    def make(self) -> list[str]:
        """Make the groups of one attempt; return the files that a process writes its number to, to be in them.

        Raises:
            OSError: If the system refuses.
        """
        self.sweep()
        name = f"attempt-{secrets.token_hex(6)}"
        made = []
        for parent in self._settings.parents:
            group = parent / name
            group.mkdir()
            made.append(group)
            # The warden is in it too.
            self._limit(group, ("pids.max",), self._settings.processes + 1)
            if self._settings.memory_bytes is not None:
                self._limit(group, ("memory.max", "memory.limit_in_bytes"), self._settings.memory_bytes)
        return [str(group / "cgroup.procs") for group in made]

    def give_back(self, files: Sequence[str]) -> None:
        """Remove groups of an attempt that has ended; its warden may need a moment more, so `sweep` tries again."""
        with self._lock:
            self._used += [Path(file).parent for file in files]
        self.sweep()

    def sweep(self) -> None:
        """Remove what nobody is in any more."""
        with self._lock:
            self._used = [group for group in self._used if not _removed(group)]

    def _limit(self, group: Path, names: Sequence[str], value: int) -> None:
        for name in names:
            file = group / name
            if file.exists():
                file.write_text(str(value))


def _removed(group: Path) -> bool:
    try:
        os.rmdir(group)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
