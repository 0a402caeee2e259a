"""The key that SECRET inputs are encrypted with.

Owns where it comes from. One process has a key of its own in its data folder, so that secrets work at once; processes
of a cluster must be told the one that they share.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.problems import UserError
from deploy.settings import Settings

KEY_BYTES = 32
LENGTHS = (16, 24, KEY_BYTES)
FILE = "encryption.key"


def encryption_key(settings: Settings) -> str | None:
    """Return the key as Base64, None if a cluster has none.

    Raises:
        UserError: If what is set, or stands in the file, is no key.
    """
    if settings.encryption_key is not None:
        return _checked(settings.encryption_key.get_secret_value(), "encryption_key")
    if settings.kafka.bootstrap is not None:
        return None
    return _own(settings.data / FILE)


def seal_of(settings: Settings) -> Callable[[str], Any] | None:
    """Return what seals a text with the key, None without one."""
    key = encryption_key(settings)
    if key is None:
        return None
    from engine.seals import seal

    return lambda text: seal(key, text, int.from_bytes(os.urandom(16), "big"))


def _own(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _checked(file.read_text("ascii", errors="replace").strip(), str(file))
    with os.fdopen(descriptor, "w") as written:
        written.write(fresh)
        written.flush()
        os.fsync(descriptor)
    return fresh


def _checked(key: str, place: str) -> str:
    try:
        size = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size not in LENGTHS:
        raise UserError(
            f"{place}: expected Base64 of 16, 24 or 32 bytes, but it isn't; `openssl rand -base64 32` prints such a key"
        )
    return key
