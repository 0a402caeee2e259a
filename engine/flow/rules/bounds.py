"""The least and greatest values of inputs, and whether their defaults lie between them.

Owns what can be said without rendering. Values that are sent later are checked where they come in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from engine.flow.model import Input
from engine.flow.problems import Path, Report, kind_of
from engine.values import parse_duration_ms


def check_bounds(report: Report, item: Input, path: Path) -> None:
    """Check the bounds of an input, and its default unless that is an expression."""
    read = _READERS.get(item.type)
    if read is None:
        return
    values: dict[str, Any] = {}
    for key in (*_LEAST, *_GREATEST, "defaults"):
        written = item.defaults if key == "defaults" else item.properties.get(key)
        if written is None or (isinstance(written, str) and ("{{" in written or "{%" in written)):
            continue
        try:
            values[key] = read(written)
        except (ValueError, TypeError, OverflowError):
            message = f"Expected a value of type {item.type}, but found {kind_of(written)}"
            if key == "defaults":
                report.warning("input-default", message, (*path, key))
            else:
                report.error("type-mismatch", message, (*path, key))
    least = next((key for key in _LEAST if key in values), "")
    greatest = next((key for key in _GREATEST if key in values), "")
    for low, high in ((least, greatest), (least, "defaults"), ("defaults", greatest)):
        if low in values and high in values and values[low] > values[high]:
            place = "defaults" if low == "defaults" else high
            message = f"'{low}' of input '{item.id}' is greater than its '{high}'"
            report.warning("input-default" if place == "defaults" else "range", message, (*path, place))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)


def _instant(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


_LEAST = ("min", "after")
_GREATEST = ("max", "before")
_READERS: dict[str, Callable[[Any], Any]] = {
    "INT": _whole,
    "FLOAT": _number,
    "DATE": lambda value: date.fromisoformat(value),
    "TIME": lambda value: time.fromisoformat(value).replace(tzinfo=None),
    "DATETIME": _instant,
    "DURATION": parse_duration_ms,
}
"""How what is written becomes something that can be compared, for the types whose values have bounds."""
