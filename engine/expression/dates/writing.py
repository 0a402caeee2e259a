"""Moments to text, by pattern or by named format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from engine.expression.dates.moment import Moment
from engine.expression.dates.names import ZONE_NAMES, Language, language_of
from engine.expression.dates.pattern import ISO, Field, Optional, Part, parts_of
from engine.expression.errors import Failure


def write(moment: Moment, pattern: str, locale: str | None = None) -> str:
    """Return the moment in this format.

    Args:
        moment: Already in the zone to write.
        pattern: A named format (`iso`, `rfc_1123_date_time`, `full` …) or a pattern.
        locale: Language of names, English if unknown.
    """
    if pattern in ISO:
        return _ISO[pattern](moment)
    return _parts(moment, parts_of(pattern), language_of(locale))


def _parts(moment: Moment, parts: tuple[Part, ...], language: Language) -> str:
    out: list[str] = []
    for part in parts:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Optional):
            out.append(_parts(moment, part.parts, language))
        else:
            out.append(_field(moment, part, language).rjust(part.width))
    return "".join(out)


def _field(moment: Moment, field: Field, language: Language) -> str:
    letter, count = field.letter, field.count
    if letter in _TEXT:
        return _TEXT[letter](moment, count, language)
    if letter in ("y", "u"):
        return _year(moment.at.year, count)
    if letter == "Y":
        return _year(_week(moment)[0], count)
    if letter == "S":
        return f"{moment.nano:09d}"[:count].ljust(count, "0")
    if letter in _NUMBER:
        return str(_NUMBER[letter](moment)).zfill(count)
    if letter in _OFFSET:
        return _OFFSET[letter](moment, count)
    raise Failure(f"the letter '{letter}' can't be written")


def _year(year: int, count: int) -> str:
    if count == 2:
        return f"{year % 100:02d}"
    return str(year).zfill(count)


def _week(moment: Moment) -> tuple[int, int]:
    """Return year and number of the week as American calendars count: weeks begin on Sunday, the 1st is in week 1."""
    date = moment.at.date()
    saturday = date + timedelta(days=6 - date.isoweekday() % 7)
    return saturday.year, (saturday.timetuple().tm_yday - 1) // 7 + 1


def _week_of_month(moment: Moment) -> int:
    first = moment.at.replace(day=1)
    return (moment.at.day - 1 + first.isoweekday() % 7) // 7 + 1


_MODIFIED_JULIAN = 678_576
"""Ordinal of 17 November 1858, where the modified Julian calendar begins."""
_NUMBER: dict[str, Callable[[Moment], int]] = {
    "D": lambda m: m.at.timetuple().tm_yday,
    "d": lambda m: m.at.day,
    "H": lambda m: m.at.hour,
    "k": lambda m: m.at.hour or 24,
    "K": lambda m: m.at.hour % 12,
    "h": lambda m: m.at.hour % 12 or 12,
    "m": lambda m: m.at.minute,
    "s": lambda m: m.at.second,
    "n": lambda m: m.nano,
    "A": lambda m: (m.at.hour * 3600 + m.at.minute * 60 + m.at.second) * 1000 + m.nano // 1_000_000,
    "N": lambda m: (m.at.hour * 3600 + m.at.minute * 60 + m.at.second) * 1_000_000_000 + m.nano,
    "w": lambda m: _week(m)[1],
    "W": _week_of_month,
    "F": lambda m: (m.at.day - 1) // 7 + 1,
    "g": lambda m: m.at.toordinal() - _MODIFIED_JULIAN,
}


def _month(moment: Moment, count: int, language: Language) -> str:
    month = moment.at.month
    if count <= 2:
        return str(month).zfill(count)
    names = language.short_months if count == 3 else language.months
    return names[month - 1][0].upper() if count == 5 else names[month - 1]


def _day(moment: Moment, count: int, language: Language) -> str:
    day = moment.at.isoweekday()
    if count <= 3:
        return language.short_days[day - 1]
    return language.days[day - 1][0].upper() if count == 5 else language.days[day - 1]


def _local_day(moment: Moment, count: int, language: Language) -> str:
    if count <= 2:
        return str(moment.at.isoweekday() % 7 + 1).zfill(count)
    return _day(moment, count, language)


def _quarter(moment: Moment, count: int, language: Language) -> str:
    quarter = (moment.at.month + 2) // 3
    if count <= 2:
        return str(quarter).zfill(count)
    if count == 3:
        return f"Q{quarter}"
    return ("1st", "2nd", "3rd", "4th")[quarter - 1] + " quarter" if count == 4 else str(quarter)


def _era(moment: Moment, count: int, language: Language) -> str:
    return {4: "Anno Domini", 5: "A"}.get(count, "AD")


def _part_of_day(moment: Moment, count: int, language: Language) -> str:
    hour = moment.at.hour
    if hour == 12 and moment.at.minute == 0:
        return "noon"
    if hour == 0 and moment.at.minute == 0:
        return "midnight"
    names = ((6, "at night"), (12, "in the morning"), (18, "in the afternoon"), (21, "in the evening"))
    return next((name for until, name in names if hour < until), "at night")


_TEXT: dict[str, Callable[[Moment, int, Language], str]] = {
    "M": _month,
    "L": _month,
    "E": _day,
    "e": _local_day,
    "c": _local_day,
    "Q": _quarter,
    "q": _quarter,
    "G": _era,
    "B": _part_of_day,
    "a": lambda moment, count, language: language.halves[moment.at.hour >= 12],
}


def _offset(seconds: int, minutes: bool, colon: bool, always_minutes: bool = True) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{sign}{hours:02d}"
    if minutes and (always_minutes or rest):
        text += f"{':' if colon else ''}{rest // 60:02d}"
        if rest % 60:
            text += f"{':' if colon else ''}{rest % 60:02d}"
    return text


def _iso_offset(moment: Moment, count: int, zulu: bool) -> str:
    seconds = moment.offset_seconds
    if zulu and seconds == 0:
        return "Z"
    return _offset(seconds, True, count in (3, 5), always_minutes=count > 1)


def _rfc_offset(moment: Moment, count: int) -> str:
    if count <= 3:
        return _offset(moment.offset_seconds, True, False)
    if count == 4:
        return _localized_offset(moment, 4)
    return _iso_offset(moment, 3, True)


def _localized_offset(moment: Moment, count: int) -> str:
    seconds = moment.offset_seconds
    if seconds == 0:
        return "GMT"
    if count == 4:
        return "GMT" + _offset(seconds, True, True)
    hours, rest = divmod(abs(seconds), 3600)
    return f"GMT{'-' if seconds < 0 else '+'}{hours}" + (f":{rest // 60:02d}" if rest else "")


def _zone_name(moment: Moment, count: int) -> str:
    short = "Z" if moment.zone == "Z" else moment.at.tzname() or moment.zone
    if short[:1] in "+-" or moment.zone[:1] in "+-":
        return moment.zone
    return ZONE_NAMES.get(short, short) if count == 4 else short


_OFFSET: dict[str, Callable[[Moment, int], str]] = {
    "X": lambda moment, count: _iso_offset(moment, count, True),
    "x": lambda moment, count: _iso_offset(moment, count, False),
    "Z": _rfc_offset,
    "O": _localized_offset,
    "z": _zone_name,
    "v": _zone_name,
    "V": lambda moment, count: moment.zone,
}


# -- formats without a fixed width


def _date(moment: Moment) -> str:
    return f"{moment.at:%Y-%m-%d}" if moment.at.year > 999 else f"{moment.at.year:04d}{moment.at:-%m-%d}"


def _fraction(nano: int) -> str:
    return f".{nano:09d}".rstrip("0") if nano else ""


def _time(moment: Moment) -> str:
    return f"{moment.at:%H:%M:%S}{_fraction(moment.nano)}"


def _colon_offset(moment: Moment) -> str:
    return _iso_offset(moment, 5, True)


def _region(moment: Moment) -> str:
    return "" if moment.zone == "Z" or moment.zone[:1] in "+-" else f"[{moment.zone}]"


def _instant(moment: Moment) -> str:
    utc = moment.within("Z")
    fraction = f"{utc.nano:09d}" if utc.nano else ""
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{_date(utc)}T{utc.at:%H:%M:%S}{'.' + fraction if fraction else ''}Z"


def _week_date(moment: Moment) -> str:
    year, week, day = moment.at.isocalendar()
    return f"{year:04d}-W{week:02d}-{day}{_colon_offset(moment)}"


def _rfc_1123(moment: Moment) -> str:
    english = language_of("en")
    day, month = english.short_days[moment.at.weekday()], english.short_months[moment.at.month - 1]
    offset = "GMT" if moment.offset_seconds == 0 else _offset(moment.offset_seconds, True, False)
    return f"{day}, {moment.at.day} {month} {moment.at.year:04d} {moment.at:%H:%M:%S} {offset}"


_ISO: dict[str, Callable[[Moment], str]] = {
    "iso_local_date": _date,
    "iso_local_time": _time,
    "iso_local_date_time": lambda m: f"{_date(m)}T{_time(m)}",
    "iso_date": lambda m: _date(m) + _colon_offset(m),
    "iso_time": lambda m: _time(m) + _colon_offset(m),
    "iso_date_time": lambda m: f"{_date(m)}T{_time(m)}{_colon_offset(m)}{_region(m)}",
    "iso_zoned_date_time": lambda m: f"{_date(m)}T{_time(m)}{_colon_offset(m)}{_region(m)}",
    "iso_offset_date": lambda m: _date(m) + _colon_offset(m),
    "iso_offset_time": lambda m: _time(m) + _colon_offset(m),
    "iso_offset_date_time": lambda m: f"{_date(m)}T{_time(m)}{_colon_offset(m)}",
    "iso_instant": _instant,
    "iso_ordinal_date": lambda m: f"{m.at.year:04d}-{m.at.timetuple().tm_yday:03d}{_colon_offset(m)}",
    "iso_week_date": _week_date,
    "basic_iso_date": lambda m: f"{m.at.year:04d}{m.at:%m%d}" + _iso_offset(m, 4, True),
    "rfc_1123_date_time": _rfc_1123,
}
