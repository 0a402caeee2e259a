"""How scripts run on a host: what an operator decides of it.

Owns the values only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from worker.runners.cgroups import CgroupSettings

INHERITED = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ")
"""What a script gets of the worker's environment: it must not read the credentials of its worker."""


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How scripts run on this host."""

    folder: Path | None = None
    """Where working directories are made; None: the system's temporary folder."""
    inherited: Sequence[str] = INHERITED
    """Names of environment variables that scripts get from the worker."""
    limits: Mapping[str, int] = msgspec.field(default_factory=lambda: {"RLIMIT_NOFILE": 65_536})
    """By name of the resource: RLIMIT_CPU in seconds, RLIMIT_AS and RLIMIT_FSIZE in bytes, RLIMIT_NPROC,
    RLIMIT_NOFILE in numbers."""
    user: tuple[int, int] | None = None
    """User and group id that scripts get, if the worker runs as root."""
    cgroups: CgroupSettings | None = None
    """Bounds for all processes of a script together."""
    no_new_privileges: bool = True
    kill_grace_ms: int = 5_000
    """Between SIGTERM and SIGKILL."""
