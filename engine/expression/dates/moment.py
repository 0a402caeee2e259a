"""A point in time with its zone, to the nanosecond, and calendar arithmetic on it.

Owns zones and units. Text is `reading.py`'s and `writing.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.expression.errors import Failure, quoted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time.

    Args:
        at: Whole seconds, with the zone.
        nano: Nanoseconds on top, 0 to 999,999,999.
        zone: Name of the zone as it was given: a region, `Z`, or an offset.
    """

    at: datetime
    nano: int
    zone: str

    @property
    def seconds(self) -> int:
        """Seconds since the epoch, rounded down."""
        return (self.at - EPOCH) // timedelta(seconds=1)

    @property
    def offset_seconds(self) -> int:
        """Offset from UTC."""
        offset = self.at.utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    def within(self, zone: str) -> Moment:
        """Return the same point in time in another zone."""
        return Moment(self.at.astimezone(zone_of(zone)), self.nano, zone)


def moment_at(seconds: int, nano: int, zone: str) -> Moment:
    """Return the point in time this many seconds and nanoseconds after the epoch."""
    try:
        return Moment((EPOCH + timedelta(seconds=seconds)).astimezone(zone_of(zone)), nano, zone)
    except (OverflowError, ValueError):
        raise Failure("a date outside the years 1 to 9999") from None


def local_moment(local: datetime, nano: int, zone: str) -> Moment:
    """Return the point in time at which clocks in a zone show this; a gap is skipped over as Java does it."""
    aware = local.replace(tzinfo=zone_of(zone))
    try:
        settled = aware.astimezone(UTC).astimezone(aware.tzinfo)
    except OverflowError:
        raise Failure("a date outside the years 1 to 9999") from None
    return Moment(settled, nano, zone)


_SIGNS = str.maketrans("", "", "_-+")


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Return a zone by region, offset (`+02:00`), `Z`, or `UTC+2`.

    Raises:
        Failure: If there is no such zone.
    """
    text = name.strip()
    if text in ("Z", "UTC", "GMT", "UT"):
        return UTC
    rest = next((text[len(prefix) :] for prefix in ("UTC", "GMT", "UT") if text.startswith(prefix)), text)
    if rest[:1] in ("+", "-"):
        return timezone(timedelta(seconds=offset_of(rest)))
    # A zone's name is a path among the system's files, so nothing but letters, digits and few signs may be in it.
    if not text or not all(part.translate(_SIGNS).isalnum() for part in text.split("/")):
        raise Failure(f"there is no time zone {quoted(name)}")
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise Failure(f"there is no time zone {quoted(name)}") from None


def offset_of(text: str) -> int:
    """Return the seconds of an offset such as `+2`, `+02`, `+0200`, `+02:00`, `+02:00:30`."""
    digits = text[1:].replace(":", "")
    if len(digits) == 1:
        digits = "0" + digits
    if text[:1] not in ("+", "-") or not digits.isdigit() or len(digits) not in (2, 4, 6) or not digits.isascii():
        raise Failure(f"{quoted(text)} is no offset from UTC")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4] or 0), int(digits[4:6] or 0)
    if hours > 18 or minutes > 59 or seconds > 59:
        raise Failure(f"{quoted(text)} is no offset from UTC")
    total = hours * 3600 + minutes * 60 + seconds
    return -total if text[0] == "-" else total


_FIXED = {
    "NANOS": 1,
    "MICROS": 1_000,
    "MILLIS": 1_000_000,
    "SECONDS": NANOS,
    "MINUTES": 60 * NANOS,
    "HOURS": 3600 * NANOS,
    "HALF_DAYS": 43_200 * NANOS,
}
_DAYS = {"DAYS": 1, "WEEKS": 7}
_MONTHS = {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12_000}


def shifted(moment: Moment, amount: int, unit: str) -> Moment:
    """Return the moment this many units later; days and longer keep the local time.

    Raises:
        Failure: If there is no such unit, or the result leaves the calendar.
    """
    try:
        if unit in _FIXED:
            total = moment.seconds * NANOS + moment.nano + amount * _FIXED[unit]
            return moment_at(total // NANOS, total % NANOS, moment.zone)
        local = moment.at.replace(tzinfo=None)
        if unit in _DAYS:
            return local_moment(local + timedelta(days=amount * _DAYS[unit]), moment.nano, moment.zone)
        if unit in _MONTHS:
            months = local.year * 12 + local.month - 1 + amount * _MONTHS[unit]
            year, month = months // 12, months % 12 + 1
            day = min(local.day, days_in_month(year, month))
            return local_moment(local.replace(year=year, month=month, day=day), moment.nano, moment.zone)
    except (OverflowError, ValueError):
        raise Failure("a date outside the years 1 to 9999") from None
    known = ", ".join([*_FIXED, *_DAYS, *_MONTHS])
    raise Failure(f"there is no unit {quoted(unit)}; there is {known}")


def days_in_month(year: int, month: int) -> int:
    """Return the number of days of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
