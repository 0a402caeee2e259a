"""Rules about the conditions of triggers and listeners, nested ones included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.flow.problems import Path, Report, kind_of
from engine.flow.properties import check_properties, read_type
from engine.flow.types import CORE, canonical, lookup

_COMMON = frozenset({"type", "version"})


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
    inner = raw.get("conditions")
    if short in ("Not", "Or") and isinstance(inner, list):
        check_conditions(report, inner, (*path, "conditions"))
    elif short == "MultipleCondition" and isinstance(inner, dict):
        for key, each in inner.items():
            check_condition(report, each, (*path, "conditions", key))
    elif short in ("DateTimeBetween", "TimeBetween") and raw.get("after") is None and raw.get("before") is None:
        report.error("required", "'after' or 'before' must be set", path)
