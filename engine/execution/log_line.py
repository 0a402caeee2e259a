"""A line that the engine itself writes to the log of a task run; it travels inside events."""

from __future__ import annotations

import msgspec


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    level: str
    message: str
