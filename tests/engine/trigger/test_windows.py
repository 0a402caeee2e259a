from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.trigger.windows import span, window_of


def ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("raw", "at", "begin", "end"),
    [
        ({}, "2026-03-06T10:00", "2026-03-06T00:00", "2026-03-07T00:00"),
        ({"window": "P1D", "windowAdvance": "P0D"}, "2026-03-06T00:00", "2026-03-06T00:00", "2026-03-07T00:00"),
        ({"window": "P1D", "windowAdvance": "PT6H"}, "2026-03-06T03:00", "2026-03-05T06:00", "2026-03-06T06:00"),
        ({"window": "PT6H"}, "2026-03-06T13:00", "2026-03-06T12:00", "2026-03-06T18:00"),
        ({"every": "PT15M", "offset": "PT5M"}, "2026-03-06T13:04", "2026-03-06T12:50", "2026-03-06T13:05"),
        ({"window": "P7D"}, "2026-03-06T13:00", "2026-03-06T00:00", "2026-03-13T00:00"),
        ({"deadline": "09:00"}, "2026-03-06T08:59", "2026-03-06T00:00", "2026-03-06T09:00"),
        ({"deadline": "09:00:00+01:00"}, "2026-03-06T07:59", "2026-03-05T23:00", "2026-03-06T08:00"),
        (
            {"type": "DAILY_TIME_WINDOW", "startTime": "08:00", "endTime": "10:00"},
            "2026-03-06T08:00",
            "2026-03-06T08:00",
            "2026-03-06T10:00",
        ),
        ({"from": "22:00", "to": "02:00"}, "2026-03-06T01:00", "2026-03-05T22:00", "2026-03-06T02:00"),
        (
            {"from": "09:00", "to": "10:00", "timezone": "Europe/Paris"},
            "2026-07-01T07:30",
            "2026-07-01T07:00",
            "2026-07-01T08:00",
        ),
    ],
)
def test_a_window_goes_from_a_time_to_a_time(raw: dict[str, Any], at: str, begin: str, end: str) -> None:
    assert span(window_of(raw), ms(at)) == (ms(begin), ms(end))


@pytest.mark.parametrize("kind", [{"type": "SLIDING_WINDOW", "window": "PT1H"}, {"lookback": "PT1H"}])
def test_a_sliding_window_is_the_time_before_now(kind: dict[str, Any]) -> None:
    assert span(window_of(kind), 10_000_000) == (6_400_000, 10_000_001)


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        ({"deadline": "09:00"}, "2026-03-06T09:00"),
        ({"from": "08:00", "to": "10:00"}, "2026-03-06T07:59"),
        ({"from": "22:00", "to": "02:00"}, "2026-03-06T12:00"),
    ],
)
def test_outside_of_its_hours_a_daily_window_is_closed(raw: dict[str, Any], at: str) -> None:
    assert span(window_of(raw), ms(at)) is None


@pytest.mark.parametrize(
    "raw", [{"window": "long"}, {"deadline": "noon"}, {"timezone": "Nowhere/Land"}, {"every": "-PT1H"}]
)
def test_what_cannot_be_read_counts_as_not_written(raw: dict[str, Any]) -> None:
    assert span(window_of(raw), ms("2026-03-06T10:00")) == (ms("2026-03-06T00:00"), ms("2026-03-07T00:00"))
