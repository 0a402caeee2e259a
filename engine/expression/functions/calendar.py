"""Functions on calendar days: weekends, working days, parts of a date."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from engine.expression.dates.moment import Moment, days_in_month
from engine.expression.dates.reading import read
from engine.expression.errors import Failure, quoted
from engine.expression.numbers import Long
from engine.expression.printing import java_text
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FUNCTIONS = Registry()
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
POSITIONS = ("FIRST", "SECOND", "THIRD", "FOURTH")


def _moment(run: Run, value: Any) -> Moment:
    """Return a date as it is written: its own day, not the day it is in UTC at that time."""
    if value is None:
        raise Failure("'date' must not be null")
    return read(value, None, run.scope.time_zone)


def _day(run: Run, value: Any) -> date:
    return _moment(run, value).at.date()


def _weekday(run: Run, name: Any) -> int:
    text = java_text(run, name).strip().upper()
    if text not in DAYS:
        raise Failure(f"{quoted(text)} is no day of the week; there is {', '.join(DAYS)}")
    return DAYS.index(text)


@FUNCTIONS.add("isWeekend", "date", required=1)
def _is_weekend(run: Run, value: Any) -> bool:
    return _day(run, value).weekday() >= 5


@FUNCTIONS.add("dayOfWeek", "date", required=1)
def _day_of_week(run: Run, value: Any) -> str:
    return DAYS[_day(run, value).weekday()]


@FUNCTIONS.add("dayOfMonth", "date", required=1)
def _day_of_month(run: Run, value: Any) -> int:
    return Long(_day(run, value).day)


@FUNCTIONS.add("monthOfYear", "date", required=1)
def _month_of_year(run: Run, value: Any) -> int:
    return Long(_day(run, value).month)


@FUNCTIONS.add("hourOfDay", "date", required=1)
def _hour_of_day(run: Run, value: Any) -> int:
    return Long(_moment(run, value).at.hour)


@FUNCTIONS.add("isDayWeekInMonth", "date", "dayOfWeek", "position", required=3)
def _is_day_week_in_month(run: Run, value: Any, weekday: Any, position: Any) -> bool:
    day, wanted = _day(run, value), _weekday(run, weekday)
    place = java_text(run, position).strip().upper()
    if place not in (*POSITIONS, "LAST"):
        raise Failure(f"'position' must be one of {', '.join((*POSITIONS, 'LAST'))}")
    if day.weekday() != wanted:
        return False
    if place == "LAST":
        return day.day + 7 > days_in_month(day.year, day.month)
    return (day.day - 1) // 7 == POSITIONS.index(place)


@FUNCTIONS.add("isLastWorkingDay", "date", "workingDays", required=1)
def _is_last_working_day(run: Run, value: Any, working_days: Any = None) -> bool:
    day = _day(run, value)
    names = "" if working_days is None else java_text(run, working_days)
    working = {_weekday(run, name) for name in names[:200].replace(",", " ").split()} or set(range(5))
    last = days_in_month(day.year, day.month)
    return day.weekday() in working and not any(
        day.replace(day=later).weekday() in working for later in range(day.day + 1, last + 1)
    )
