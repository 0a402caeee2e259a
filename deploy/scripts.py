"""How scripts run on a worker's host, from the settings to what the process runner takes."""

from __future__ import annotations

import pwd

from deploy.problems import UserError
from deploy.settings import WorkerSection

MEGABYTE = 1024 * 1024
OPEN_FILES_MAX = 65_536
"""More than a script needs, fewer than would let one exhaust the host."""


def script_user(name: str | None) -> tuple[int, int] | None:
    """Return user and group id of the user that scripts run as, None if they keep the worker's.

    Raises:
        UserError: If this host has no such user.
    """
    if name is None:
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise UserError(f"worker.script_user is {name!r}, but this host has no such user: create it first") from None
    return found.pw_uid, found.pw_gid


def script_limits(worker: WorkerSection) -> dict[str, int]:
    """Return the limits of each process of a script, by the names of their resources."""
    limits = {"RLIMIT_NOFILE": OPEN_FILES_MAX}
    if worker.script_memory is not None:
        limits["RLIMIT_AS"] = worker.script_memory * MEGABYTE
    if worker.script_cpu is not None:
        limits["RLIMIT_CPU"] = worker.script_cpu
    return limits
