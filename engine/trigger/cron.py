"""When a cron expression fires: dates in a time zone, over the gaps and repetitions of its clocks.

A time that a day's clocks skip is as much later as they jump; one that they show twice counts once. Only an expression
for every hour goes by what has passed: it fires in each hour that there is. Days of the month and of the week are
alternatives if both are given, as cron has it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from engine.expression.dates.moment import days_in_month, zone_of
from engine.flow.cron import cron_fields

YEARS_MAX = 10
"""How far a date is looked for: some expressions never fire (February 30)."""
JUMP = timedelta(hours=26)
"""More than clocks ever jump: a whole day was skipped where the date line was crossed."""
BACK = tuple(
    timedelta(seconds=s) for s in (2, 90, 3_700, 90_000, 8 * 86_400, 33 * 86_400, 367 * 86_400, 4 * 366 * 86_400)
)
"""How far back the date before one is looked for, ever further."""


class Cron:
    """A valid expression in a time zone.

    Args:
        expression: Five fields or a nickname.
        with_seconds: Whether a field of seconds comes first.
        zone: Of the clocks that it is about.
    """

    def __init__(self, expression: str, with_seconds: bool, zone: str) -> None:
        self.zone: tzinfo = zone_of(zone)
        seconds, minutes, hours, days, months, weekdays = cron_fields(expression, with_seconds)
        self._times = sorted(hours), sorted(minutes), sorted(seconds)
        self._days, self._months, self._weekdays = days, months, weekdays
        self._every_day, self._every_weekday = len(days - {0}) == 31, len(weekdays) == 7
        self._every_hour = len(hours) == 24

    def after(self, at_ms: int) -> int | None:
        """Return the first date after a time; None if there is none within `YEARS_MAX`."""
        at = datetime.fromtimestamp(at_ms // 1000, UTC)
        found = self._elapsed(at) if self._every_hour else self._shown(at)
        return None if found is None else round(found.timestamp() * 1000)

    def before(self, at_ms: int) -> int | None:
        """Return the last date before a time; None if there is none within four years."""
        for back in BACK:
            last: int | None = None
            found = self.after(at_ms - round(back.total_seconds() * 1000))
            while found is not None and found < at_ms:
                last, found = found, self.after(found)
            if last is not None:
                return last
        return None

    def _elapsed(self, at: datetime) -> datetime | None:
        """Go by what has passed: within each stretch without a jump clocks and time run alike."""
        end = at + timedelta(days=366 * YEARS_MAX)
        while at < end:
            offset = _offset(at, self.zone)
            local = next(self._locals((at + offset).replace(tzinfo=None)), None)
            if local is None:
                return None
            found = local.replace(tzinfo=UTC) - offset
            change = _change(at, min(found, at + timedelta(days=400)), self.zone)
            if change is None:
                if found <= at + timedelta(days=400):
                    return found
                at += timedelta(days=399)
            else:
                at = change - timedelta(seconds=1)
                if _offset(at, self.zone) != _offset(change, self.zone) and _matches_first(self, change):
                    return change
                at = change
        return None

    def _shown(self, at: datetime) -> datetime | None:
        """Go by what clocks show."""
        best: datetime | None = None
        local_now = at.astimezone(self.zone).replace(tzinfo=None)
        start = local_now
        if _offset(at - JUMP, self.zone) != _offset(at, self.zone):
            start = local_now - JUMP
        for local in self._locals(start):
            if best is not None and local >= best.astimezone(self.zone).replace(tzinfo=None):
                return best
            found = local.replace(tzinfo=self.zone).astimezone(UTC)
            if found > at and (best is None or found < best):
                best = found
        return best

    def _locals(self, after: datetime) -> Iterator[datetime]:
        """Yield the local times after one, as if clocks never jumped."""
        hours, minutes, seconds = self._times
        day, begin = after.date(), after
        for _ in range(366 * YEARS_MAX):
            if day.month in self._months and self._has_day(day):
                same = day == begin.date()
                first = bisect_left(hours, begin.hour) if same else 0
                for hour in hours[first:]:
                    for minute in minutes:
                        if same and (hour, minute) < (begin.hour, begin.minute):
                            continue
                        for second in seconds:
                            local = datetime.combine(day, time(hour, minute, second))
                            if local > begin:
                                yield local
            if day.month not in self._months:
                day = _next_month(day)
            else:
                day += timedelta(days=1)
            if day.year >= 9999:
                return

    def _has_day(self, day: date) -> bool:
        in_month = day.day in self._days or (0 in self._days and day.day == days_in_month(day.year, day.month))
        in_week = day.isoweekday() % 7 in self._weekdays
        if self._every_day:
            return in_week
        return in_month if self._every_weekday else in_month or in_week


@lru_cache(maxsize=1024)
def cron_of(expression: str, with_seconds: bool, zone: str) -> Cron:
    """Return an expression in a zone, made once."""
    return Cron(expression, with_seconds, zone)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(begin: datetime, end: datetime, zone: tzinfo) -> datetime | None:
    """Return the first moment after `begin`, up to `end`, at which clocks jump; None if they don't."""
    step = timedelta(days=20)
    at = begin
    while at < end:
        following = min(at + step, end)
        if _offset(following, zone) != _offset(at, zone):
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                if _offset(middle, zone) == _offset(at, zone):
                    low = middle
                else:
                    high = middle
            return high
        at = following
    return None


def _matches_first(cron: Cron, change: datetime) -> bool:
    """Tell whether the expression fires at the very moment of a jump."""
    local = change.astimezone(cron.zone).replace(tzinfo=None)
    return next(cron._locals(local - timedelta(seconds=1)), None) == local
