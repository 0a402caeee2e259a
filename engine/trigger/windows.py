"""Time windows of flow triggers: from when to when what has happened counts together.

Owns the five kinds, in both generations' words, and their arithmetic. What happened is kept by the Trigger aggregate.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

import msgspec

from engine.expression.dates.moment import zone_of
from engine.expression.dates.reading import read
from engine.expression.errors import Failure
from engine.values import parse_duration_ms

DAY_MS = 86_400_000
SIZE_MAX_MS = 366 * DAY_MS


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of window."""

    kind: str = "grid"
    """grid: one after the other from midnight on; sliding: the time before now; daily: the same hours each day."""
    size_ms: int = DAY_MS
    shift_ms: int = 0
    """Of a grid: how long after midnight it begins."""
    begin: str = "00:00"
    end: str = "00:00"
    """Of a daily one: times, with an offset or in `zone`. An end that isn't after the beginning is the next day's."""
    zone: str = "UTC"


def window_of(raw: Mapping[str, Any]) -> Window:
    """Return the window that a `timeWindow` (older generation), `window` (newer) or MultipleCondition describes.

    What can't be read counts as not written: saving a flow checks it.
    """
    zone = raw.get("timezone")
    zone = zone if isinstance(zone, str) and _is_zone(zone) else "UTC"
    kind = raw.get("type")
    if raw.get("deadline") is not None and _is_time(raw["deadline"]):
        return Window(kind="daily", end=str(raw["deadline"]), zone=zone)
    for first, last in (("startTime", "endTime"), ("from", "to")):
        if _is_time(raw.get(first)) and _is_time(raw.get(last)):
            return Window(kind="daily", begin=str(raw[first]), end=str(raw[last]), zone=zone)
    if raw.get("lookback") is not None:
        return Window(kind="sliding", size_ms=_ms(raw["lookback"], DAY_MS), zone=zone)
    size = raw.get("every", None if isinstance(raw.get("window"), Mapping) else raw.get("window"))
    if kind == "SLIDING_WINDOW":
        return Window(kind="sliding", size_ms=_ms(size, DAY_MS), zone=zone)
    shift = raw.get("offset", raw.get("windowAdvance"))
    return Window(size_ms=_ms(size, DAY_MS), shift_ms=_ms(shift, 0), zone=zone)


def span(window: Window, at_ms: int) -> tuple[int, int] | None:
    """Return from when (inclusive) to when (exclusive) things count together with what happens now; None: not now.

    Example:
        >>> span(Window(size_ms=6 * 3_600_000), 7 * 3_600_000)
        (21600000, 43200000)
    """
    if window.kind == "sliding":
        return at_ms - window.size_ms, at_ms + 1
    if window.kind == "daily":
        return _daily(window, at_ms)
    zone = zone_of(window.zone)
    shifted = datetime.fromtimestamp((at_ms - window.shift_ms) / 1000, zone)
    midnight = _ms_of(shifted.replace(hour=0, minute=0, second=0, microsecond=0))
    begin = midnight + window.shift_ms
    if window.size_ms < DAY_MS:
        begin += (at_ms - begin) // window.size_ms * window.size_ms
    return begin, begin + window.size_ms


def _daily(window: Window, at_ms: int) -> tuple[int, int] | None:
    now = datetime.fromtimestamp(at_ms / 1000, zone_of(window.zone))
    for days in (0, -1):
        day = now + timedelta(days=days)
        begin = _on(day, window.begin, window.end)
        end = _on(day, window.end, window.begin)
        if end <= begin:
            end = _on(day + timedelta(days=1), window.end, window.begin)
        if begin <= at_ms < end:
            return begin, end
    return None


def _on(day: datetime, text: str, other: str) -> int:
    """Return a time of day on a day; one without an offset (a deadline's midnight) takes that of the other."""
    at, own = _time(text)
    zone = own or _time(other)[1] or day.tzinfo
    return _ms_of(datetime.combine(day.astimezone(zone).date(), at, zone))


def _time(text: str) -> tuple[time, tzinfo | None]:
    moment = read(f"1970-01-01T{text}", None, "UTC")
    offset = text[-1:] in ("Z", "z") or "+" in text or "-" in text
    return moment.at.timetz().replace(tzinfo=None), moment.at.tzinfo if offset else None


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and _time(value) is not None
    except Failure:
        return False


def _is_zone(name: str) -> bool:
    try:
        return zone_of(name) is not None
    except Failure:
        return False


def _ms(value: Any, default: int) -> int:
    try:
        found = parse_duration_ms(value) if value is not None else default
    except ValueError:
        return default
    return min(found, SIZE_MAX_MS) if found > 0 else default


def _ms_of(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
