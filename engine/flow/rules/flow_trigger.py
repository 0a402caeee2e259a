"""Rules about what a flow trigger waits for: preconditions (older generation), dependsOn and window (newer)."""

from __future__ import annotations

from engine.flow.fields import Raw
from engine.flow.model import Trigger
from engine.flow.problems import Path, Report
from engine.flow.shapes.parts import kinds_of
from engine.flow.shapes.reading import read_part, read_parts
from engine.flow.shapes.trigger_parts import (
    MANY_VALUES,
    NO_VALUE,
    ONE_VALUE,
    DependencyPart,
    FilterPart,
    PreconditionsPart,
    TimeWindowPart,
    WherePart,
    WindowPart,
)

_WINDOWS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "DURATION_WINDOW": (frozenset(), frozenset({"window", "windowAdvance"})),
    "SLIDING_WINDOW": (frozenset({"window"}), frozenset({"window"})),
    "DAILY_TIME_DEADLINE": (frozenset({"deadline"}), frozenset({"deadline"})),
    "DAILY_TIME_WINDOW": (frozenset({"startTime", "endTime"}), frozenset({"startTime", "endTime"})),
}
"""Kind of time window: properties that it needs, properties that it may have."""


def check_flow_trigger(report: Report, trigger: Trigger, path: Path, windows: set[str]) -> None:
    """Check a flow trigger; `windows` collects the ids of preconditions, which must be unique in a flow."""
    raw = trigger.properties
    preconditions, window = raw.get("preconditions"), raw.get("window")
    if isinstance(preconditions, dict) and preconditions:
        _check_preconditions(report, preconditions, (*path, "preconditions"), windows)
    depends = list(read_parts(report, DependencyPart, raw.get("dependsOn"), (*path, "dependsOn")))
    if isinstance(window, dict) and window:
        _check_window(report, window, (*path, "window"))
    least = raw.get("minSatisfied")
    if raw.get("mode") == "AT_LEAST" and least is None:
        report.error("required", "'minSatisfied' must be set when 'mode' is AT_LEAST", path)
    elif raw.get("mode") != "AT_LEAST" and least is not None:
        report.error("flow-trigger", "'minSatisfied' needs 'mode: AT_LEAST'", (*path, "minSatisfied"))
    elif least is not None and str(least).isdecimal() and int(least) > len(depends):
        message = f"'minSatisfied' is {least}, but there are only {len(depends)} dependencies"
        report.error("flow-trigger", message, (*path, "minSatisfied"))
    if not preconditions and not raw.get("dependsOn") and not trigger.conditions and trigger.when is None:
        message = f"Trigger '{trigger.id}' has no condition: it fires for every execution of every flow"
        report.warning("flow-trigger", message, path, "Add 'dependsOn', 'preconditions' or 'conditions'")


def _check_preconditions(report: Report, raw: Raw, path: Path, windows: set[str]) -> None:
    part = read_part(report, PreconditionsPart, raw, path)
    if part.id in windows:
        report.error("duplicate-id", f"Duplicate preconditions with id [{part.id}]", (*path, "id"))
    if part.id != part.stand_ins["id"]:
        windows.add(part.id)
    for _ in read_parts(report, DependencyPart, part.flows, (*path, "flows")):
        pass
    for where, here in read_parts(report, WherePart, part.where, (*path, "where")):
        for filtered, place in read_parts(report, FilterPart, where.filters, (*here, "filters")):
            _check_filter(report, filtered, place)
    if part.time_window:
        _check_time_window(report, part.time_window, (*path, "timeWindow"))


def _check_filter(report: Report, part: FilterPart, path: Path) -> None:
    for key, value, wanted in (
        ("value", part.value, part.type in ONE_VALUE),
        ("values", part.values, part.type in MANY_VALUES),
    ):
        if wanted and value is None:
            report.error("filter", f"'{key}' must not be null for type {part.type}", path)
        elif not wanted and value is not None and part.type not in NO_VALUE:
            report.error("filter", f"'{key}' must be null for type {part.type}", (*path, key))


def _check_time_window(report: Report, raw: Raw, path: Path) -> None:
    kind = read_part(report, TimeWindowPart, raw, path).type
    needed, allowed = _WINDOWS[kind]
    for key in sorted(kinds_of(TimeWindowPart).keys() - {"type"}):
        if raw.get(key) is not None and key not in allowed:
            report.error("time-window", f"'{key}' is not allowed for a time window of type {kind}", (*path, key))
        elif raw.get(key) is None and key in needed:
            report.error("time-window", f"'{key}' is required for a time window of type {kind}", path)


def _check_window(report: Report, raw: Raw, path: Path) -> None:
    read_part(report, WindowPart, raw, path)
    kinds = [name for name, keys in _NEW_WINDOWS.items() if any(raw.get(key) is not None for key in keys)]
    if len(kinds) > 1:
        message = f"Expected one of deadline, from with to, every or lookback, but found {' and '.join(kinds)}"
        report.error("time-window", message, path)
        return
    for kind in kinds:
        for key in {"from": ("from", "to"), "every": ("every",)}.get(kind, ()):
            if raw.get(key) is None:
                report.error("time-window", f"'{key}' is required for a window with '{kind}'", path)


_NEW_WINDOWS = {
    "deadline": ("deadline",),
    "from": ("from", "to"),
    "every": ("every", "offset"),
    "lookback": ("lookback",),
}
