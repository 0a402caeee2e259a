"""Inputs that are points or spans of time: DATETIME, DATE, TIME, DURATION."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from engine.inputs.bounds import Properties, check_bounds, instant_text, shown
from engine.values import iso_duration, parse_duration_nanos


def parse_instant(value: Any) -> datetime:
    """Return a point in time, in UTC; one without a zone is meant so. Raises ValueError if it is none."""
    try:
        at = datetime.fromisoformat(str(value).strip())
    except ValueError:
        at = None
    if at is None or "T" not in str(value):
        raise ValueError(f"Expected a date and time such as 2026-01-31T08:00:00Z, but got {shown(value)}")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def read_datetime(value: Any, properties: Properties) -> str:
    """Return a point in time in UTC, as Java writes it. Raises ValueError if it is none, or is out of bounds."""
    at = parse_instant(value)
    check_bounds(at, properties, "after", "before", parse_instant)
    return instant_text(at)


def _parse_date(value: Any) -> date:
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"Expected a date such as 2026-01-31, but got {shown(value)}") from None


def read_date(value: Any, properties: Properties) -> str:
    """Return a day. Raises ValueError if it is none, or is out of bounds."""
    day = _parse_date(value)
    check_bounds(day, properties, "after", "before", _parse_date)
    return day.isoformat()


def _parse_time(value: Any) -> time:
    try:
        found = time.fromisoformat(str(value).strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise ValueError(f"Expected a time such as 18:30:00, but got {shown(value)}")
    return found


def read_time(value: Any, properties: Properties) -> str:
    """Return a time of day. Raises ValueError if it is none, or is out of bounds."""
    found = _parse_time(value)
    check_bounds(found, properties, "after", "before", _parse_time)
    return found.isoformat()


def read_duration(value: Any, properties: Properties) -> str:
    """Return a duration in hours, minutes and seconds. Raises ValueError if it is none, or is out of bounds."""
    if isinstance(value, bool | list | dict):
        raise ValueError(f"Expected a duration such as PT30S, but got {shown(value)}")
    nanos = parse_duration_nanos(value)
    for name, fits in (("min", nanos.__ge__), ("max", nanos.__le__)):
        bound = properties.get(name)
        if bound is not None and not fits(parse_duration_nanos(bound)):
            raise ValueError(f"Expected '{name}' {bound} or {'more' if name == 'min' else 'less'}, but got {value}")
    return iso_duration(nanos)
