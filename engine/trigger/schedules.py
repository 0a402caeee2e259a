"""Triggers that go by time: which dates they have, and what executions read of them.

Owns Schedule (cron) and ScheduleOnDates (a list), and the search for the next date whose conditions hold. What a date
brings is decided in `decide/schedules.py`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from engine.expression.dates.moment import zone_of
from engine.expression.dates.reading import read
from engine.expression.errors import Failure
from engine.flow.cron import cron_problem
from engine.flow.model import Trigger
from engine.flow.types import CORE
from engine.trigger.cron import cron_of
from engine.values import derive_id, parse_duration_ms

SCHEDULE = f"{CORE}trigger.Schedule"
ON_DATES = f"{CORE}trigger.ScheduleOnDates"
LOOKED_AT_MAX = 1_000
"""Dates whose conditions are evaluated in one go, some tens of milliseconds; then the trigger looks again later."""
DATES_MAX = 10_000


class Dates(Protocol):
    """The dates of a trigger, conditions left out."""

    def after(self, at_ms: int) -> int | None:
        """Return the first one after a time."""
        ...

    def before(self, at_ms: int) -> int | None:
        """Return the last one before a time."""
        ...


class Listed:
    """Dates of a list."""

    def __init__(self, dates: Sequence[int]) -> None:
        self._dates = sorted(set(dates))

    def after(self, at_ms: int) -> int | None:
        """Return the first one after a time."""
        index = bisect_right(self._dates, at_ms)
        return self._dates[index] if index < len(self._dates) else None

    def before(self, at_ms: int) -> int | None:
        """Return the last one before a time."""
        index = bisect_left(self._dates, at_ms)
        return self._dates[index - 1] if index else None


def goes_by_time(trigger: Trigger) -> bool:
    """Tell whether a trigger has dates."""
    return trigger.type in (SCHEDULE, ON_DATES)


def definition_of(trigger: Trigger) -> str:
    """Return what changes whenever the flow says something else of the trigger's dates."""
    said = [trigger.type, trigger.disabled, list(trigger.conditions), trigger.when, dict(trigger.properties)]
    return derive_id("definition", repr(said))


def zone_of_trigger(trigger: Trigger) -> str:
    """Return the time zone of a trigger, UTC unless it names another."""
    zone = trigger.properties.get("timezone")
    if not isinstance(zone, str):
        return "UTC"
    try:
        zone_of(zone)
    except Failure:
        return "UTC"
    return zone


def dates_of(trigger: Trigger, rendered: Callable[[Any], Any]) -> Dates:
    """Return the dates of a trigger.

    Args:
        trigger: Which one.
        rendered: Renders a property.

    Raises:
        ValueError: If they can't be read.
    """
    zone = zone_of_trigger(trigger)
    if trigger.type == SCHEDULE:
        cron = str(trigger.properties.get("cron"))
        with_seconds = trigger.properties.get("withSeconds") in (True, "true")
        problem = cron_problem(cron, with_seconds)
        if problem is not None:
            raise ValueError(f"Invalid cron expression '{cron}': {problem}")
        return cron_of(cron, with_seconds, zone)
    written = rendered(trigger.properties.get("dates"))
    if isinstance(written, str):
        try:
            written = msgspec.json.decode(written)
        except msgspec.DecodeError:
            raise ValueError(f"Expected 'dates' to give a list, but got {written[:100]!r}") from None
    if not isinstance(written, list) or len(written) > DATES_MAX:
        raise ValueError(f"Expected 'dates' to give a list of at most {DATES_MAX} dates")
    try:
        moments = [read(each, None, zone) for each in written]
    except Failure as failure:
        raise ValueError(f"dates: {failure}") from None
    return Listed([moment.seconds * 1000 + moment.nano // 1_000_000 for moment in moments])


def zoned(at_ms: int, zone: str) -> str:
    """Return a date as templates read it: ISO 8601 with the zone's offset.

    Example:
        >>> zoned(1_767_225_600_000, "Europe/Paris")
        '2026-01-01T01:00:00+01:00'
    """
    text = datetime.fromtimestamp(at_ms / 1000, zone_of(zone)).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def variables_of(at_ms: int, next_ms: int | None, previous_ms: int | None, zone: str) -> dict[str, str]:
    """Return what an execution reads as `trigger`."""
    found = {"date": at_ms, "next": next_ms, "previous": previous_ms}
    return {name: zoned(value, zone) for name, value in found.items() if value is not None}


def after(dates: Dates, at_ms: int, holds: Callable[[int], bool]) -> tuple[int | None, bool]:
    """Return the first date after a time whose conditions hold, and True.

    After `LOOKED_AT_MAX` dates without luck it is the last one that was looked at, and False: look again from there.
    """
    return _found(dates.after, at_ms, holds)


def before(dates: Dates, at_ms: int, holds: Callable[[int], bool]) -> int | None:
    """Return the last date before a time whose conditions hold, None if there is none among the nearest."""
    found, held = _found(dates.before, at_ms, holds)
    return found if held else None


def _found(step: Callable[[int], int | None], at_ms: int, holds: Callable[[int], bool]) -> tuple[int | None, bool]:
    at: int | None = at_ms
    for _ in range(LOOKED_AT_MAX):
        assert at is not None
        at = step(at)
        if at is None or holds(at):
            return at, True
    return at, False


def late_max_ms(properties: Mapping[str, Any]) -> int | None:
    """Return how late a date may still count, None if however late."""
    written = properties.get("lateMaximumDelay")
    try:
        return parse_duration_ms(written) if written is not None else None
    except ValueError:
        return None
