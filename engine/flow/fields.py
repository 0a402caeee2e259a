"""Single properties of a raw map that need more than a model: ids and types as text, labels, retries.

Owns labels as a map or as a list, and which times of a retry need each other. Everything else about single properties
is said by the models in `engine/flow/shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex  # type: ignore[import-untyped, unused-ignore]

from engine.flow.model import Retry
from engine.flow.problems import Path, Report, kind_of
from engine.flow.scalars import plain_text
from engine.flow.shapes.parts import RetryPart
from engine.flow.shapes.reading import read_part

Raw = Mapping[str, Any]

_LABEL_KEY = regex.compile(r"\p{Ll}[\p{L}0-9._-]*")
_AUTHORED_SYSTEM_LABELS = frozenset({"system.readOnly"})


def text(report: Report, raw: Raw, key: str, path: Path) -> str | None:
    """Return a property as text; booleans and numbers are spelled out, a list or map is an error."""
    value = raw.get(key)
    if value is None or type(value) is str:
        return value
    if isinstance(value, (list, dict)):
        report.error("type-mismatch", f"Expected a text, but found {kind_of(value)}", (*path, key))
        return None
    return plain_text(value)


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


def retry(report: Report, raw: Raw | None, path: Path) -> Retry | None:
    """Return the retry of a flow or task, None if it has none.

    Args:
        report: Where problems go.
        raw: What is set as `retry`.
        path: Where what has it stands.
    """
    if raw is None:
        return None
    here: Path = (*path, "retry")
    part = read_part(report, RetryPart, raw, here)
    if "maxAttempt" in raw:
        report.info("deprecated-property", "'maxAttempt' is replaced by 'maxAttempts'", (*here, "maxAttempt"))
    found = Retry(
        kind=part.type,
        interval_ms=part.interval or 0,
        max_interval_ms=part.max_interval,
        delay_factor=2.0 if part.delay_factor is None else part.delay_factor,
        min_interval_ms=part.min_interval or 0,
        max_attempts=part.max_attempts if "maxAttempts" in raw else part.max_attempt,
        max_duration_ms=part.max_duration,
        warning_on_retry=part.warning_on_retry,
        behavior=part.behavior,
    )
    _check_retry(report, raw, found, here)
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
