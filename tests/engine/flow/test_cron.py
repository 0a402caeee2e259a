"""Which cron expressions can be read."""

from __future__ import annotations

import pytest

from engine.flow.cron import cron_problem


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/15 0-6 1,15 JAN-MAR mon",
        "0 9 * * 1-5",
        "@daily",
        "@Hourly",
        "5/10 * * * *",
        "0 0 L * *",
        "0 0 * * 7",
    ],
)
def test_the_unix_dialect_is_read(expression: str) -> None:
    assert cron_problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("* * * *", "expected 5 fields, but found 4"),
        ("60 * * * *", "minute must be between 0 and 59"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * * 5-1", "must ascend"),
        ("*/0 * * * *", "step"),
        ("*-5 * * * *", "no valid minute"),
        ("? * * * *", "no valid minute"),
        ("* * 15W * *", "no valid day of month"),
        ("* * * * MON#2", "no valid day of week"),
        ("* * * FOO *", "'FOO' is no valid month"),
        ("1,,2 * * * *", "no valid minute"),
        ("@never", "nickname"),
        ("", "found 0"),
    ],
)
def test_anything_else_is_refused_with_the_reason(expression: str, says: str) -> None:
    assert says in str(cron_problem(expression))


def test_seconds_come_first_where_they_are_asked_for() -> None:
    assert cron_problem("30 * * * * *", with_seconds=True) is None
    assert cron_problem("* * * * *", with_seconds=True) == "expected 6 fields, but found 5"
