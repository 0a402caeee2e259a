"""Rules about the conditions of triggers and listeners, nested ones included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.flow.fields import choice, items, mapping
from engine.flow.problems import Path, Report, kind_of
from engine.flow.properties import check_properties, read_type
from engine.flow.types import CORE, canonical, lookup
from engine.values import State

_COMMON = frozenset({"type", "version"})
_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_PLACES = ("FIRST", "SECOND", "THIRD", "FOURTH", "LAST")


def check_conditions(report: Report, conditions: Sequence[Any], path: Path) -> None:
    """Check a list of conditions."""
    for index, condition in enumerate(conditions):
        check_condition(report, condition, (*path, index))


def check_condition(report: Report, raw: Any, path: Path) -> None:
    """Check one condition and those inside it."""
    if not isinstance(raw, dict):
        report.error("type-mismatch", f"Expected a condition (a map with a type), but found {kind_of(raw)}", path)
        return
    declared = read_type(report, raw, path, "condition")
    info = lookup(declared)
    if info is None:
        return
    name = canonical(declared)
    check_properties(report, raw, path, name, info, _COMMON)
    short = name.removeprefix(f"{CORE}condition.")
    if short in ("Not", "Or"):
        check_conditions(report, items(report, raw, "conditions", path), (*path, "conditions"))
    elif short == "MultipleCondition":
        for key, inner in mapping(report, raw, "conditions", path).items():
            check_condition(report, inner, (*path, "conditions", key))
    elif short in ("ExecutionStatus", "HasRetryAttempt"):
        for key in ("in", "notIn"):
            for index, state in enumerate(raw.get(key) or () if isinstance(raw.get(key), list) else ()):
                if not isinstance(state, str) or state not in State.__members__:
                    message = f"Expected one of {', '.join(State.__members__)}, but found {kind_of(state)}"
                    report.error("choice", message, (*path, key, index))
    elif short in ("DayWeek", "DayWeekInMonth"):
        _check_choice(report, raw, "dayOfWeek", path, _WEEK)
        _check_choice(report, raw, "dayInMonth", path, _PLACES)
    elif short == "ExecutionNamespace":
        choice(report, raw, "comparison", path, ("EQUALS", "PREFIX", "SUFFIX"), "EQUALS")
    elif short in ("DateTimeBetween", "TimeBetween") and raw.get("after") is None and raw.get("before") is None:
        report.error("required", "'after' or 'before' must be set", path)


def _check_choice(report: Report, raw: dict[str, Any], key: str, path: Path, allowed: tuple[str, ...]) -> None:
    value = raw.get(key)
    if not (isinstance(value, str) and "{{" in value):
        choice(report, raw, key, path, allowed, allowed[0])
