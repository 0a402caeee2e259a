"""Whether a cron expression can be read, why not, and which values its fields hold.

When it fires next is `engine/trigger/cron.py`'s.

Owns the accepted dialect: five unix fields (six with leading seconds), nicknames, names of months and weekdays, lists,
ranges, steps, and `L` for the last day of a month. Wrapping ranges, `?`, `W` and `#` are refused.
"""

from __future__ import annotations

import re

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_MONTHS = {
    "JAN": 1,
    "FEB": 2,
    "MAR": 3,
    "APR": 4,
    "MAY": 5,
    "JUN": 6,
    "JUL": 7,
    "AUG": 8,
    "SEP": 9,
    "OCT": 10,
    "NOV": 11,
}
_MONTHS["DEC"] = 12
_DAYS = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_PART = re.compile(r"(?P<low>\*|[A-Za-z]+|\d{1,4})(?:-(?P<high>[A-Za-z]+|\d{1,4}))?(?:/(?P<step>\d{1,4}))?")


def cron_problem(expression: str, with_seconds: bool = False) -> str | None:
    """Return why a cron expression can't be read, None if it can.

    Args:
        expression: Five fields separated by spaces, or a nickname such as `@daily`.
        with_seconds: Whether a field of seconds comes first.

    Example:
        >>> cron_problem("61 * * * *")
        "minute must be between 0 and 59, but is 61"
    """
    written = expression.strip()
    if written.startswith("@"):
        return None if written.lower() in NICKNAMES else f"nickname must be one of {', '.join(sorted(NICKNAMES))}"
    fields = _FIELDS if with_seconds else _FIELDS[1:]
    parts = written.split()
    if len(parts) != len(fields):
        return f"expected {len(fields)} fields, but found {len(parts)}"
    for (name, low, high, names), text in zip(fields, parts, strict=True):
        if name == "day of month" and text == "L":
            continue
        for part in text.split(","):
            problem = _part_problem(part, name, low, high, names)
            if problem is not None:
                return problem
    return None


def _part_problem(part: str, name: str, low: int, high: int, names: dict[str, int]) -> str | None:
    match = _PART.fullmatch(part)
    if match is None:
        return f"'{part}' is no valid {name}"
    bounds: list[int] = []
    for group in ("low", "high"):
        word = match[group]
        if word is None or word == "*":
            continue
        number = int(word) if word.isdigit() else names.get(word.upper())
        if number is None:
            return f"'{word}' is no valid {name}"
        if not low <= number <= high:
            return f"{name} must be between {low} and {high}, but is {number}"
        bounds.append(number)
    if match["low"] == "*" and match["high"] is not None:
        return f"'{part}' is no valid {name}"
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        return f"range of {name} must ascend, but is {part}"
    if match["step"] is not None and not 1 <= int(match["step"]) <= high:
        return f"step of {name} must be between 1 and {high}, but is {match['step']}"
    return None


def cron_fields(expression: str, with_seconds: bool = False) -> list[frozenset[int]]:
    """Return the values of a valid expression's fields: seconds, minutes, hours, days, months, days of the week.

    Sunday is 0; the last day of a month is 0 among the days.

    Example:
        >>> [sorted(field)[:3] for field in cron_fields("*/20 9-11 L * MON")]
        [[0], [0, 20, 40], [9, 10, 11], [0], [1, 2, 3], [1]]
    """
    written = expression.strip()
    nickname = NICKNAMES.get(written.lower())
    parts = (nickname or written).split()
    if nickname is not None or not with_seconds:
        parts = ["0", *parts]
    found = [
        frozenset({0})
        if text == "L"
        else frozenset(number for part in text.split(",") for number in _values(part, low, high, names))
        for (_name, low, high, names), text in zip(_FIELDS, parts, strict=True)
    ]
    found[5] = frozenset(day % 7 for day in found[5])
    return found


def _values(part: str, low: int, high: int, names: dict[str, int]) -> range:
    match = _PART.fullmatch(part)
    assert match is not None, part
    words = [word for word in (match["low"], match["high"]) if word is not None and word != "*"]
    bounds = [int(word) if word.isdigit() else names[word.upper()] for word in words]
    step = int(match["step"] or 1)
    if not bounds:
        return range(low, high + 1, step)
    last = bounds[1] if len(bounds) > 1 else high if match["step"] is not None else bounds[0]
    return range(bounds[0], last + 1, step)
