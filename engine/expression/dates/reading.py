"""Text and numbers to moments: ISO forms, or any pattern."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from engine.expression.dates.moment import Moment, local_moment, moment_at, offset_of
from engine.expression.dates.names import Language, language_of
from engine.expression.dates.pattern import ISO, NAMED, Field, Optional, Part, parts_of
from engine.expression.errors import Failure, quoted
from engine.expression.numbers import is_number

MAX_TEXT = 100
"""Longest text that may be a date."""

_FORMS = {
    "iso_date": "yyyy-MM-dd[XXXXX]",
    "iso_offset_date": "yyyy-MM-ddXXXXX",
    "iso_local_date": "yyyy-MM-dd",
    "iso_local_time": "HH:mm[:ss[.n]]",
    "iso_time": "HH:mm[:ss[.n]][XXXXX]",
    "iso_offset_time": "HH:mm[:ss[.n]]XXXXX",
    "iso_local_date_time": "yyyy-MM-dd'T'HH:mm[:ss[.n]]",
    "iso_offset_date_time": "yyyy-MM-dd'T'HH:mm[:ss[.n]]XXXXX",
    "iso_date_time": "yyyy-MM-dd'T'HH:mm[:ss[.n]][XXXXX]['['VV']']",
    "iso_zoned_date_time": "yyyy-MM-dd'T'HH:mm[:ss[.n]]XXXXX['['VV']']",
    "iso_instant": "yyyy-MM-dd'T'HH:mm[:ss[.n]]XXXXX",
    "iso_ordinal_date": "yyyy-DDD[XXXXX]",
    "basic_iso_date": "yyyyMMdd",
    "rfc_1123_date_time": "[EEE, ]d MMM yyyy HH:mm[:ss] zz",
}
_DEFAULT = "yyyy-MM-dd['T'HH:mm[:ss[.n]][XXXXX]['['VV']']]"


def read(value: Any, pattern: str | None, zone: str, locale: str | None = None) -> Moment:
    """Return the moment that a text or number means.

    Args:
        value: A text; or a whole number: nanoseconds if it has 19 digits, milliseconds if 13, else seconds.
        pattern: Format of the text, named or as a pattern; ISO if None.
        zone: Zone of a text that names none.
        locale: Language of names in the text.

    Raises:
        Failure: If it means no moment.
    """
    if is_number(value) and isinstance(value, int):
        return _from_number(int(value), zone)
    if isinstance(value, datetime):
        zoned = value.tzinfo is not None
        moment = Moment(value.replace(microsecond=0), value.microsecond * 1000, str(value.tzinfo)) if zoned else None
        return moment or local_moment(value.replace(microsecond=0), value.microsecond * 1000, zone)
    if isinstance(value, date):
        return local_moment(datetime.combine(value, time(12)), 0, zone)
    if not isinstance(value, str):
        raise Failure("expected a text or a whole number as date")
    if len(value) > MAX_TEXT:
        raise Failure(f"a text of more than {MAX_TEXT} characters is no date")
    reader = _Reader(value, language_of(locale))
    parts = parts_of(_FORMS.get(pattern, pattern) if pattern else _DEFAULT)
    if not reader.parts(parts) or reader.at != len(value):
        raise Failure(f"{quoted(value)} is no date in the format '{pattern or 'iso'}'")
    return reader.moment(zone)


def _from_number(value: int, zone: str) -> Moment:
    digits = len(str(abs(value)))
    if digits == 19:
        return moment_at(value // 10**9, value % 10**9, zone)
    if digits == 13:
        return moment_at(value // 1000, value % 1000 * 1_000_000, zone)
    return moment_at(value, 0, zone)


@dataclass(slots=True)
class _Reader:
    """Walks a text along a pattern; fields that were found stay in `found`."""

    text: str
    language: Language
    at: int = 0
    found: dict[str, int] = field(default_factory=dict)
    zone: str | None = None

    def parts(self, parts: tuple[Part, ...]) -> bool:
        for index, part in enumerate(parts):
            if isinstance(part, str):
                if self.text[self.at : self.at + len(part)].lower() != part.lower():
                    return False
                self.at += len(part)
            elif isinstance(part, Optional):
                before, found, zone = self.at, dict(self.found), self.zone
                if not self.parts(part.parts):
                    self.at, self.found, self.zone = before, found, zone
            else:
                following = parts[index + 1] if index + 1 < len(parts) else None
                if not self._field(part, isinstance(following, Field) and following.letter not in "XxZzOVva"):
                    return False
        return True

    def _field(self, part: Field, tight: bool) -> bool:
        """Read one field; `tight` if digits of another one follow directly."""
        letter, count = part.letter, part.count
        while part.width and self.text.startswith(" ", self.at):
            self.at += 1
        if letter in "ML" and count >= 3:
            return self._name("M", self.language.months, self.language.short_months)
        if letter in "Eec" and (letter == "E" or count >= 3):
            return self._name("E", self.language.days, self.language.short_days)
        if letter == "a":
            return self._name("a", ("AM", "PM"), ("a.m.", "p.m."))
        if letter == "G":
            return self._name("G", ("Anno Domini", "Common Era"), ("AD", "CE"))
        if letter in "XxZO":
            return self._offset(letter, count)
        if letter in "zVv":
            return self._zone()
        return self._digits(letter, count, tight)

    def _name(self, letter: str, *lists: tuple[str, ...]) -> bool:
        rest = self.text[self.at :].lower()
        options = [(name.lower(), index) for names in lists for index, name in enumerate(names)]
        for name, index in sorted(options, key=lambda option: -len(option[0])):
            if rest.startswith(name):
                self.found[letter] = index + 1
                self.at += len(name)
                return True
        return False

    def _digits(self, letter: str, count: int, tight: bool) -> bool:
        if letter == "S" or (letter == "n" and count == 1):
            return self._fraction(count if letter == "S" else 9, count if letter == "S" else 1)
        sign = self.at < len(self.text) and self.text[self.at] in "+-" and letter in "yu"
        start = self.at + sign
        most = count if tight or count == 2 or (letter not in "yu" and count > 1) else 19
        if letter in "yu" and count == 4 and not tight:
            most = 9
        end = start
        while end < len(self.text) and end - start < most and self.text[end] in "0123456789":
            end += 1
        if end - start < (count if count > 1 else 1):
            return False
        value = int(self.text[start:end])
        if letter in "yu" and count == 2:
            value += 2000
        self.found[{"L": "M", "u": "y"}.get(letter, letter)] = -value if sign and self.text[self.at] == "-" else value
        self.at = end
        return True

    def _fraction(self, most: int, least: int) -> bool:
        end = self.at
        while end < len(self.text) and end - self.at < most and self.text[end] in "0123456789":
            end += 1
        if end - self.at < least:
            return False
        self.found["n"] = int(self.text[self.at : end][:9].ljust(9, "0"))
        self.at = end
        return True

    def _offset(self, letter: str, count: int) -> bool:
        if letter == "O" and self.text.startswith("GMT", self.at):
            self.at += 3
            if self.text[self.at : self.at + 1] not in ("+", "-"):
                self.zone = "Z"
                return True
        if self.text[self.at : self.at + 1] in ("Z", "z") and (letter == "X" or (letter == "Z" and count == 5)):
            self.zone = "Z"
            self.at += 1
            return True
        if self.text[self.at : self.at + 1] not in ("+", "-"):
            return False
        end = self.at + 1
        while end < len(self.text) and self.text[end] in "0123456789:" and end - self.at < 9:
            end += 1
        try:
            offset_of(self.text[self.at : end])
        except Failure:
            return False
        self.zone, self.at = self.text[self.at : end], end
        return True

    def _zone(self) -> bool:
        if self.text[self.at : self.at + 1] in ("+", "-"):
            return self._offset("X", 5)
        end = self.at
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "/_+-:"):
            end += 1
        if end == self.at:
            return False
        self.zone, self.at = self.text[self.at : end], end
        return True

    def moment(self, zone: str) -> Moment:
        """Return what was read, in the zone that was read or else this one."""
        get = self.found.get
        if "y" not in self.found:
            raise Failure(f"{quoted(self.text)} names no year")
        hour = get("H", get("k", 0) % 24)
        if "h" in self.found or "K" in self.found:
            hour = get("h", get("K", 0)) % 12 + (12 if get("a") == 2 else 0)
        try:
            day = date(get("y", 1), get("M", 1), get("d", 1)) + timedelta(days=get("D", 1) - 1)
            local = datetime.combine(day, time(hour, get("m", 0), get("s", 0)))
        except (ValueError, OverflowError):
            raise Failure(f"{quoted(self.text)} is no date of the calendar") from None
        return local_moment(local, get("n", 0), self.zone or zone)


def is_named(pattern: str) -> bool:
    """True if a format is known by this name."""
    return pattern in ISO or pattern in NAMED
