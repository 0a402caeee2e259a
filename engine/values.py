"""Values that several aggregates share: states, derived ids, durations.

Owns no rules about when a state follows another; those are in `engine/execution/decide`.
"""

from __future__ import annotations

import re
import uuid
from enum import StrEnum

NAMESPACE = uuid.UUID("7c1d1a52-5f0e-4c55-9d62-6a1f5d0c7e11")
"""Root of every derived id. Never change it: a repeated command after an upgrade must derive the same ids."""


class State(StrEnum):
    """States of executions and task runs, spelled as clients of the REST API know them."""

    CREATED = "CREATED"
    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    RESTARTED = "RESTARTED"
    KILLING = "KILLING"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    FAILED = "FAILED"
    KILLED = "KILLED"
    CANCELLED = "CANCELLED"
    QUEUED = "QUEUED"
    RETRYING = "RETRYING"
    RETRIED = "RETRIED"
    SKIPPED = "SKIPPED"
    BREAKPOINT = "BREAKPOINT"
    RESUBMITTED = "RESUBMITTED"

    @property
    def is_terminal(self) -> bool:
        """True if nothing follows unless a person asks for it (restart, change of state)."""
        return self in TERMINAL


TERMINAL = frozenset(
    {
        State.SUCCESS,
        State.WARNING,
        State.FAILED,
        State.KILLED,
        State.CANCELLED,
        State.RETRIED,
        State.SKIPPED,
        State.RESUBMITTED,
    }
)


def derive_id(*parts: object) -> str:
    """Return the id (UUID text) that these parts always give.

    Args:
        parts: What makes the thing unique: parent id, task id, iteration, attempt … joined by a separator that
            can't occur in them.
    """
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(map(str, parts))))


_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)(?:[.,](?P<f>\d{1,9}))?S)?)?",
    re.IGNORECASE,
)


def parse_duration_ms(text: object) -> int:
    """Return a duration in milliseconds.

    Args:
        text: ISO 8601 (`PT1M30S`, `P1D`), or a number of seconds (`30`, `"0.5"`).

    Raises:
        ValueError: If it is neither; the message names both forms.

    Example:
        >>> parse_duration_ms("PT1M0.25S"), parse_duration_ms(2)
        (60250, 2000)
    """
    written = str(text).strip()
    try:
        seconds = float(written)
        if seconds == seconds and abs(seconds) < 1e12:
            return round(seconds * 1000)
    except ValueError:
        pass
    match = _DURATION.fullmatch(written)
    if match is None or not any(match[g] for g in "dhms") or written.upper().endswith("T"):
        raise ValueError(f"Expected a duration such as PT30S, P1DT2H or a number of seconds, but got {written!r}")
    whole = (
        int(match["d"] or 0) * 86_400 + int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + int(match["s"] or 0)
    )
    fraction = int((match["f"] or "0").ljust(9, "0")[:9]) // 1_000_000
    ms = whole * 1000 + fraction
    return -ms if match["sign"] == "-" else ms
