"""Single properties of a raw map to typed values, each with an exact complaint when it is something else.

Owns the coercions that flows of the wild rely on (a number where a text is meant, "true" in quotes, labels as a map or
as a list) and the retry object, which flows and tasks share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex  # type: ignore[import-untyped, unused-ignore]

from engine.flow.model import EMPTY, Retry
from engine.flow.problems import Path, Report, did_you_mean, kind_of
from engine.flow.scalars import plain_text
from engine.values import parse_duration_ms

Raw = Mapping[str, Any]

_LABEL_KEY = regex.compile(r"\p{Ll}[\p{L}0-9._-]*")
_AUTHORED_SYSTEM_LABELS = frozenset({"system.readOnly"})
MAX_INT = 2**31 - 1


def text(report: Report, raw: Raw, key: str, path: Path) -> str | None:
    """Return a property as text; booleans and numbers are spelled out, a list or map is an error."""
    value = raw.get(key)
    if value is None or type(value) is str:
        return value
    if isinstance(value, (list, dict)):
        report.error("type-mismatch", f"Expected a text, but found {kind_of(value)}", (*path, key))
        return None
    return plain_text(value)


def flag(report: Report, raw: Raw, key: str, path: Path, default: bool = False) -> bool:
    """Return a static boolean; `"true"` and `"false"` in quotes count too."""
    value = raw.get(key)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    hint = "It can't hold an expression" if isinstance(value, str) and "{{" in value else ""
    report.error("type-mismatch", f"Expected true or false, but found {kind_of(value)}", (*path, key), hint)
    return default


def whole(report: Report, raw: Raw, key: str, path: Path, low: int, high: int = MAX_INT) -> int | None:
    """Return a static integer between `low` and `high`, or None if it isn't set or isn't one."""
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lstrip("+-").isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        report.error("type-mismatch", f"Expected a whole number, but found {kind_of(value)}", (*path, key))
        return None
    if not low <= value <= high:
        wanted = f"at least {low}" if high == MAX_INT else f"between {low} and {high}"
        report.error("range", f"Expected a number that is {wanted}, but found {value}", (*path, key))
        return None
    return value


def number(report: Report, raw: Raw, key: str, path: Path, default: float) -> float:
    """Return a static decimal number."""
    value = raw.get(key, default)
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError):
        pass
    report.error("type-mismatch", f"Expected a number, but found {kind_of(value)}", (*path, key))
    return default


def mapping(report: Report, raw: Raw, key: str, path: Path) -> Raw:
    """Return a property that is a map, empty if it isn't set."""
    value = raw.get(key)
    if value is None:
        return EMPTY
    if isinstance(value, dict):
        return value
    report.error("type-mismatch", f"Expected a map, but found {kind_of(value)}", (*path, key))
    return EMPTY


def items(report: Report, raw: Raw, key: str, path: Path) -> list[Any]:
    """Return a property that is a list, empty if it isn't set."""
    value = raw.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    report.error(
        "type-mismatch", f"Expected a list, but found {kind_of(value)}", (*path, key), "Start each item with '- '"
    )
    return []


def choice(report: Report, raw: Raw, key: str, path: Path, allowed: tuple[str, ...], default: str) -> str:
    """Return one of a closed set of words."""
    value = raw.get(key)
    if value is None:
        return default
    if value in allowed:
        return str(value)
    hint = did_you_mean(str(value), allowed)
    report.error("choice", f"Expected one of {', '.join(allowed)}, but found {kind_of(value)}", (*path, key), hint)
    return default


def duration_ms(report: Report, raw: Raw, key: str, path: Path) -> int | None:
    """Return a static duration in milliseconds, None if it isn't set or can't be read."""
    value = raw.get(key)
    if value is None:
        return None
    try:
        return parse_duration_ms("" if isinstance(value, (bool, list, dict)) else value)
    except ValueError:
        pass
    message = f"Expected a duration such as PT30S, P1DT2H or a number of seconds, but found {kind_of(value)}"
    report.error("duration", message, (*path, key))
    return None


def known_keys(report: Report, raw: Raw, known: frozenset[str], path: Path, what: str) -> None:
    """Complain about every key that isn't among the known ones."""
    for key in raw:
        if key not in known:
            unknown_key(report, key, sorted(known), path, what)


def unknown_key(report: Report, key: str, known: list[str], path: Path, what: str) -> None:
    """Complain about one key, naming what was probably meant, or all that is possible."""
    report.error(
        "unknown-property",
        f"Unknown property '{key}' of {what}",
        (*path, key),
        lambda: did_you_mean(key, known) or f"Known are: {', '.join(known)}",
    )


def labels(report: Report, raw: Raw, key: str, path: Path) -> tuple[tuple[str, str], ...]:
    """Return labels written as a map or as a list of `{key, value}`; of a key set twice the last one wins."""
    value = raw.get(key)
    here: Path = (*path, key)
    found: dict[str, str] = {}
    if value is None:
        return ()
    pairs: list[tuple[Any, Any, Path]] = []
    if isinstance(value, dict):
        pairs = [(name, inner, (*here, name)) for name, inner in value.items()]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict) and "key" in item:
                pairs.append((item["key"], item.get("value"), (*here, index)))
            else:
                report.error("labels", f"Expected a map of key and value, but found {kind_of(item)}", (*here, index))
    else:
        report.error("labels", f"Expected a map, or a list of key and value, but found {kind_of(value)}", here)
    for name, inner, place in pairs:
        if _label_is_sound(report, name, inner, place):
            found[plain_text(name)] = plain_text(inner)
    return tuple(found.items())


def _label_is_sound(report: Report, name: Any, value: Any, place: Path) -> bool:
    if isinstance(value, (dict, list)) or isinstance(name, (dict, list)):
        report.error(
            "labels", f"Expected a text, number or boolean as a label's value, but found {kind_of(value)}", place
        )
        return False
    if value is None or value == "":
        report.error("labels", f"Expected a value for label '{name}', but it is empty", place)
        return False
    key = plain_text(name)
    if key.startswith("system.") and key not in _AUTHORED_SYSTEM_LABELS:
        message = f"System labels can only be set by the system itself, offending label: {key}={value}"
        report.error("system-label", message, place, "Choose a key that doesn't start with 'system.'")
        return False
    if not _LABEL_KEY.fullmatch(key) and "{{" not in key:
        report.error("labels", f"Expected a label key that starts with a lower-case letter, but found '{key}'", place)
        return False
    return True


RETRY_KINDS = ("constant", "exponential", "random")
BEHAVIORS = ("RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION")
_RETRY_KEYS = frozenset(
    {"type", "interval", "maxInterval", "minInterval", "delayFactor", "maxAttempts", "maxAttempt", "maxDuration"}
    | {"warningOnRetry", "behavior"}
)


def retry(report: Report, raw: Raw, path: Path) -> Retry | None:
    """Return the retry of a flow or task, None if it has none."""
    value = raw.get("retry")
    if value is None:
        return None
    here: Path = (*path, "retry")
    if not isinstance(value, dict):
        report.error("type-mismatch", f"Expected a map, but found {kind_of(value)}", here)
        return None
    known_keys(report, value, _RETRY_KEYS, here, "a retry")
    if "type" not in value:
        report.error("required", "'type' of a retry must be set", here, "Use constant, exponential or random")
    kind = choice(report, value, "type", here, RETRY_KINDS, "constant")
    attempts_key = "maxAttempts" if "maxAttempts" in value else "maxAttempt"
    if "maxAttempt" in value:
        report.info("deprecated-property", "'maxAttempt' is replaced by 'maxAttempts'", (*here, "maxAttempt"))
    found = Retry(
        kind=kind,
        interval_ms=duration_ms(report, value, "interval", here) or 0,
        max_interval_ms=duration_ms(report, value, "maxInterval", here),
        delay_factor=number(report, value, "delayFactor", here, 2.0),
        min_interval_ms=duration_ms(report, value, "minInterval", here) or 0,
        max_attempts=whole(report, value, attempts_key, here, 1),
        max_duration_ms=duration_ms(report, value, "maxDuration", here),
        warning_on_retry=flag(report, value, "warningOnRetry", here),
        behavior=choice(report, value, "behavior", here, BEHAVIORS, "RETRY_FAILED_TASK"),
    )
    _check_retry(report, value, found, here)
    return found


def _check_retry(report: Report, raw: Raw, found: Retry, here: Path) -> None:
    needed = {
        "constant": ("interval",),
        "exponential": ("interval", "maxInterval"),
        "random": ("minInterval", "maxInterval"),
    }
    for key in needed[found.kind]:
        if raw.get(key) is None:
            report.error("required", f"'{key}' of a {found.kind} retry must be set", here)
    longest, bound = found.max_interval_ms, found.max_duration_ms
    interval = found.min_interval_ms if found.kind == "random" else found.interval_ms
    name = "minInterval" if found.kind == "random" else "interval"
    if bound is not None and interval >= bound:
        report.error("retry", f"'{name}' must be less than 'maxDuration'", here)
    if found.kind != "constant" and longest is not None and interval >= longest:
        report.error("retry", f"'{name}' must be less than 'maxInterval'", here)
    if found.kind == "random" and bound is not None and longest is not None and longest >= bound:
        report.error("retry", "'maxInterval' must be less than 'maxDuration'", here)
