"""Filters on dates: formatting, shifting, timestamps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.expression.dates.moment import Moment, shifted
from engine.expression.dates.reading import read
from engine.expression.dates.writing import write
from engine.expression.errors import Failure
from engine.expression.filters.texts import text_of, whole_of
from engine.expression.numbers import Long
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()


def _optional(value: Any) -> str | None:
    return None if value is None else text_of(value)


def _amount(value: Any) -> int:
    """Return how many units are added: variables and inputs often hold the number as text."""
    written = isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,18}", value)
    return int(value) if written else whole_of(value, "amount")


@FILTERS.add("date", "format", "timeZone", "existingFormat", "locale")
def _date(run: Run, value: Any, format_: Any = None, zone: Any = None, existing: Any = None, locale: Any = None) -> Any:
    if value is None:
        return None
    region = _optional(zone) or run.scope.time_zone
    moment = read(value, _optional(existing), region, _optional(locale))
    return write(moment.within(region), _optional(format_) or "iso", _optional(locale))


@FILTERS.add("dateAdd", "amount", "unit", "format", "timeZone", "existingFormat", "locale", required=2)
def _date_add(run: Run, value: Any, amount: Any, unit: Any, *options: Any) -> Any:
    if value is None:
        return None
    format_, zone, existing, locale = map(_optional, (*options, *[None] * (4 - len(options))))
    if not isinstance(unit, str):
        raise Failure("'unit' must be a text such as DAYS")
    region = zone or run.scope.time_zone
    moment = shifted(read(value, existing, region, locale), _amount(amount), unit.upper())
    return write(moment.within(region), format_ or "iso", locale)


def _timestamp(name: str, of: Callable[[Moment], Any]) -> None:
    @FILTERS.add(name, "timeZone", "existingFormat")
    def apply(run: Run, value: Any, zone: Any = None, existing: Any = None) -> Any:
        if value is None:
            return None
        return of(read(value, _optional(existing), _optional(zone) or run.scope.time_zone))


_timestamp("timestamp", lambda moment: Long(moment.seconds))
_timestamp("timestampMilli", lambda moment: Long(moment.seconds * 1000 + moment.nano // 1_000_000))
_timestamp("timestampNano", lambda moment: str(moment.seconds * 10**9 + moment.nano))
_timestamp("timestampMicro", lambda moment: str(moment.seconds * 10**6 + moment.nano // 1000))
