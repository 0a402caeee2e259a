from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from engine.trigger.cron import Cron


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def dates(cron: str, after: str, count: int, zone: str = "UTC", with_seconds: bool = False) -> list[str]:
    made = Cron(cron, with_seconds, zone)
    found: list[str] = []
    at: int | None = ms(after)
    while at is not None and len(found) < count:
        at = made.after(at)
        if at is not None:
            found.append(datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).isoformat())
    return found


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("* * * * *", "2026-03-06T10:00:30+00:00", ["2026-03-06T10:01:00+00:00", "2026-03-06T10:02:00+00:00"]),
        ("*/15 * * * *", "2026-03-06T10:00:00+00:00", ["2026-03-06T10:15:00+00:00", "2026-03-06T10:30:00+00:00"]),
        ("0 9 * * 1-5", "2026-03-06T10:00:00+00:00", ["2026-03-09T09:00:00+00:00", "2026-03-10T09:00:00+00:00"]),
        ("30 8 1 * *", "2026-03-06T10:00:00+00:00", ["2026-04-01T08:30:00+00:00", "2026-05-01T08:30:00+00:00"]),
        ("0 0 29 2 *", "2026-03-06T10:00:00+00:00", ["2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00"]),
        ("0 0 13 * FRI", "2026-03-06T10:00:00+00:00", ["2026-03-13T00:00:00+00:00", "2026-03-20T00:00:00+00:00"]),
        ("0 0 L * *", "2026-02-06T10:00:00+00:00", ["2026-02-28T00:00:00+00:00", "2026-03-31T00:00:00+00:00"]),
        ("0 0 * * 7", "2026-03-06T10:00:00+00:00", ["2026-03-08T00:00:00+00:00", "2026-03-15T00:00:00+00:00"]),
        ("@hourly", "2026-03-06T10:00:00+00:00", ["2026-03-06T11:00:00+00:00", "2026-03-06T12:00:00+00:00"]),
        ("@yearly", "2026-03-06T10:00:00+00:00", ["2027-01-01T00:00:00+00:00", "2028-01-01T00:00:00+00:00"]),
        ("5/20 * * * *", "2026-03-06T10:30:00+00:00", ["2026-03-06T10:45:00+00:00", "2026-03-06T11:05:00+00:00"]),
        ("0 0 30 2 *", "2026-03-06T10:00:00+00:00", []),
    ],
)
def test_the_next_dates_of_an_expression(cron: str, after: str, expected: list[str]) -> None:
    assert dates(cron, after, 2) == expected


def test_seconds_come_first_if_there_are_any() -> None:
    assert dates("*/20 * * * * *", "2026-03-06T10:00:00+00:00", 2, with_seconds=True) == [
        "2026-03-06T10:00:20+00:00",
        "2026-03-06T10:00:40+00:00",
    ]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        # Europe/Paris skips 02:00 to 03:00 on 2026-03-29 and shows it twice on 2026-10-25.
        ("0 9 * * *", "2026-03-28T12:00:00+01:00", ["2026-03-29T09:00:00+02:00", "2026-03-30T09:00:00+02:00"]),
        ("30 2 * * *", "2026-03-28T12:00:00+01:00", ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("30 2 * * *", "2026-10-24T12:00:00+02:00", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("0,30 2,3 29 3 *", "2026-03-28T12:00:00+01:00", ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]),
        ("0 * * * *", "2026-03-29T00:30:00+01:00", ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"]),
        ("30 * * * *", "2026-10-25T02:00:00+02:00", ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]),
        ("0 0 1 * *", "2026-03-15T00:00:00+01:00", ["2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+02:00"]),
        ("15 * 1 6 *", "2026-01-15T00:00:00+01:00", ["2026-06-01T00:15:00+02:00", "2026-06-01T01:15:00+02:00"]),
    ],
)
def test_clocks_that_jump(cron: str, after: str, expected: list[str]) -> None:
    assert dates(cron, after, 2, "Europe/Paris") == expected


@pytest.mark.parametrize("cron", ["* * * * *", "*/15 * * * *", "30 2 * * *", "0,30 1-4 * * *", "7 */2 * * 0"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
@pytest.mark.parametrize("start", ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2011-12-29"])
def test_dates_ascend_and_lead_back(cron: str, zone: str, start: str) -> None:
    made = Cron(cron, False, zone)
    found = [ms(f"{start}T20:00:00+00:00")]
    while len(found) < 120 and found[-1] < found[0] + 3 * 86_400_000:
        following = made.after(found[-1])
        assert following is not None and following > found[-1]
        found.append(following)

    for earlier, later in pairwise(found[1:]):
        assert made.before(later) == earlier
        assert made.after(later - 1000) == later


def test_every_hour_of_a_day_is_an_hour_apart_whatever_clocks_show() -> None:
    made = Cron("0 * * * *", False, "Europe/Paris")
    at = ms("2026-10-24T22:00:00+00:00")
    for _ in range(30):
        following = made.after(at)
        assert following is not None and following - at == 3_600_000
        at = following


def test_an_expression_that_never_fires_has_no_dates() -> None:
    assert Cron("0 0 31 2 *", False, "UTC").after(0) is None
    assert Cron("0 0 31 2 *", False, "UTC").before(round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)) is None
