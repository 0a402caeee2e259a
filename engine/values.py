"""Values that several aggregates share: states, derived ids, times, durations, nested names.

Owns no rules about when a state follows another; those are in `engine/execution/decide`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha1
from typing import Any

import msgspec

NAMESPACE = uuid.UUID("7c1d1a52-5f0e-4c55-9d62-6a1f5d0c7e11")
"""Root of every derived id. Never change it: a repeated command after an upgrade must derive the same ids."""


CORRELATION = "system.correlationId"
"""Label that an execution shares with all that follow from it: the id of the first."""


class Dialect(StrEnum):
    """The two generations of expressions; they differ in precedence of `??` and in a few operators and functions."""

    V1 = "1.x"
    V2 = "2.x"


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


UNDONE = frozenset({State.FAILED, State.KILLED, State.CANCELLED})
"""Ends of executions and task runs that a restart runs again."""

_NAMESPACE_BYTES = NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def derive_id(*parts: object) -> str:
    """Return the id that these parts always give: the text of `uuid5`, made in a third of its time.

    Args:
        parts: What makes the thing unique: parent id, task id, iteration, attempt … joined by a separator that
            can't occur in them.
    """
    name = "\x1f".join(map(str, parts)).encode()
    hexed = sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest()
    return f"{hexed[:8]}-{hexed[8:12]}-5{hexed[13:16]}-{_VARIANT[hexed[16]]}{hexed[17:20]}-{hexed[20:32]}"


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SHORT_ID_LENGTH = 22


def short_id(number: int) -> str:
    """Return a number of at most 128 bits as an execution id: 22 characters that are safe in addresses."""
    text = ""
    for _ in range(SHORT_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text


def derive_short_id(*parts: object) -> str:
    """Return the execution id that these parts always give, see `derive_id`."""
    return short_id(int(derive_id(*parts).replace("-", ""), 16))


def to_json(value: Any, what: str) -> bytes:
    """Return a rendered value as JSON.

    Args:
        value: Maps, lists, texts, numbers, booleans, nulls.
        what: What it is, for the error.

    Raises:
        ValueError: If JSON has no word for a part of it, such as a whole number of more than 64 bits.
    """
    try:
        return msgspec.json.encode(value)
    except (TypeError, OverflowError, UnicodeEncodeError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"{what} can't be kept as JSON: {error}") from None


_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)(?:[.,](?P<f>\d{1,9}))?S)?)?",
    re.IGNORECASE,
)
DURATION_MAX_MS = 1_000_000_000_000_000
"""Some 30,000 years: sums of times and durations stay far within 64 bits."""


def parse_duration_ms(text: object) -> int:
    """Return a duration in milliseconds.

    Args:
        text: ISO 8601 (`PT1M30S`, `P1D`), or a number of seconds (`30`, `"0.5"`).

    Raises:
        ValueError: If it is neither, or more than 30,000 years; the message names both forms.

    Example:
        >>> parse_duration_ms("PT1M0.25S"), parse_duration_ms(2)
        (60250, 2000)
    """
    nanos = parse_duration_nanos(text)
    return nanos // 1_000_000 if nanos >= 0 else -(-nanos // 1_000_000)


def parse_duration_nanos(text: object) -> int:
    """Return a duration in nanoseconds, see `parse_duration_ms`; of a number of seconds whole milliseconds count."""
    written = str(text).strip()
    try:
        seconds = float(written)
        if seconds == seconds and abs(seconds) <= DURATION_MAX_MS / 1000:
            return round(seconds * 1000) * 1_000_000
    except ValueError:
        pass
    match = _DURATION.fullmatch(written)
    if match is None or not any(match[g] for g in "dhms") or written.upper().endswith("T"):
        raise ValueError(f"Expected a duration such as PT30S, P1DT2H or a number of seconds, but got {written!r}")
    whole = (
        int(match["d"] or 0) * 86_400 + int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + int(match["s"] or 0)
    )
    if whole > DURATION_MAX_MS // 1000:
        raise ValueError(f"Expected a duration of less than 30,000 years, but got {written!r}")
    nanos = whole * 1_000_000_000 + int((match["f"] or "0").ljust(9, "0"))
    return -nanos if match["sign"] == "-" else nanos


def iso_duration(nanos: int) -> str:
    """Return a duration in the one form that every way of writing it has in common: hours, minutes, seconds.

    Example:
        >>> iso_duration(93_661_250_000_000), iso_duration(-90_000_000_000)
        ('PT26H1M1.25S', 'PT-1M-30S')
    """
    sign = "-" if nanos < 0 else ""
    minutes, rest = divmod(abs(nanos), 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = (f"{sign}{hours}H" if hours else "") + (f"{sign}{minutes}M" if minutes else "")
    if rest or not text:
        whole, fraction = divmod(rest, 1_000_000_000)
        text += sign + f"{whole}.{fraction:09d}".rstrip("0").rstrip(".") + "S"
    return "PT" + text


@lru_cache(maxsize=1024)
def iso(at_ms: int) -> str:
    """Return a time as templates print it: UTC with milliseconds.

    Example:
        >>> iso(0)
        '1970-01-01T00:00:00.000Z'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map with another put over it, maps within maps key by key.

    Example:
        >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
        {'a': {'b': 1, 'c': 3}}
    """
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map whose dotted keys have become maps within maps.

    Example:
        >>> nested({"a.b": 1, "c": 2})
        {'a': {'b': 1}, 'c': 2}
    """
    result: dict[str, Any] = {}
    for key, value in flat.items():
        at = result
        *parents, last = key.split(".")
        for parent in parents:
            inner = at.get(parent)
            if not isinstance(inner, dict):
                inner = at[parent] = {}
            at = inner
        at[last] = value
    return result
