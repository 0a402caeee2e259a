"""Rules about what a flow trigger waits for: preconditions (older generation), dependsOn and window (newer)."""

from __future__ import annotations

from typing import Any

from engine.flow.fields import Raw, choice, duration_ms, items, known_keys, mapping, whole
from engine.flow.model import Trigger
from engine.flow.problems import Path, Report

_WINDOWS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "DURATION_WINDOW": (frozenset(), frozenset({"window", "windowAdvance"})),
    "SLIDING_WINDOW": (frozenset({"window"}), frozenset({"window"})),
    "DAILY_TIME_DEADLINE": (frozenset({"deadline"}), frozenset({"deadline"})),
    "DAILY_TIME_WINDOW": (frozenset({"startTime", "endTime"}), frozenset({"startTime", "endTime"})),
}
"""Kind of time window: properties that it needs, properties that it may have."""
_WINDOW_KEYS = frozenset({"type", "window", "windowAdvance", "deadline", "startTime", "endTime"})
_ONE_VALUE = ("EQUAL_TO", "NOT_EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "REGEX", "CONTAINS")
_MANY_VALUES = ("IN", "NOT_IN")
_NO_VALUE = ("IS_TRUE", "IS_FALSE", "IS_NULL", "IS_NOT_NULL")
_FIELDS = ("FLOW_ID", "NAMESPACE", "STATE", "EXPRESSION")


def check_flow_trigger(report: Report, trigger: Trigger, path: Path, windows: set[str]) -> None:
    """Check a flow trigger; `windows` collects the ids of preconditions, which must be unique in a flow."""
    raw = trigger.properties
    preconditions = mapping(report, raw, "preconditions", path)
    if preconditions:
        _check_preconditions(report, preconditions, (*path, "preconditions"), windows)
    depends = items(report, raw, "dependsOn", path)
    for index, item in enumerate(depends):
        _check_upstream(report, item, (*path, "dependsOn", index))
    _check_window(report, mapping(report, raw, "window", path), (*path, "window"))
    mode = choice(report, raw, "mode", path, ("ALL", "ANY", "AT_LEAST"), "ALL")
    least = whole(report, raw, "minSatisfied", path, 1)
    if mode == "AT_LEAST" and least is None:
        report.error("required", "'minSatisfied' must be set when 'mode' is AT_LEAST", path)
    elif mode != "AT_LEAST" and least is not None:
        report.error("flow-trigger", "'minSatisfied' needs 'mode: AT_LEAST'", (*path, "minSatisfied"))
    elif least is not None and least > len(depends):
        message = f"'minSatisfied' is {least}, but there are only {len(depends)} dependencies"
        report.error("flow-trigger", message, (*path, "minSatisfied"))
    if not preconditions and not depends and not trigger.conditions and trigger.when is None:
        message = f"Trigger '{trigger.id}' has no condition: it fires for every execution of every flow"
        report.warning("flow-trigger", message, path, "Add 'dependsOn', 'preconditions' or 'conditions'")


def _check_upstream(report: Report, item: Any, path: Path) -> None:
    if not isinstance(item, dict):
        report.error("type-mismatch", "Expected a map with namespace and flowId, but found something else", path)
        return
    keys = frozenset({"id", "namespace", "flowId", "states", "labels", "when"})
    known_keys(report, item, keys, path, "a dependency")


def _check_preconditions(report: Report, raw: Raw, path: Path, windows: set[str]) -> None:
    keys = frozenset({"id", "description", "timeWindow", "resetOnSuccess", "flows", "where", "mode"})
    known_keys(report, raw, keys, path, "preconditions")
    name = raw.get("id")
    if not isinstance(name, str) or not name:
        report.error("required", "'id' of preconditions must be set", path)
    elif name in windows:
        report.error("duplicate-id", f"Duplicate preconditions with id [{name}]", (*path, "id"))
    else:
        windows.add(name)
    for index, item in enumerate(items(report, raw, "flows", path)):
        _check_upstream(report, item, (*path, "flows", index))
    for index, block in enumerate(items(report, raw, "where", path)):
        _check_where(report, block, (*path, "where", index))
    _check_time_window(report, mapping(report, raw, "timeWindow", path), (*path, "timeWindow"))


def _check_where(report: Report, block: Any, path: Path) -> None:
    if not isinstance(block, dict):
        report.error("type-mismatch", "Expected a map with id and filters, but found something else", path)
        return
    known_keys(report, block, frozenset({"id", "operand", "filters"}), path, "a where block")
    choice(report, block, "operand", path, ("AND", "OR"), "AND")
    filters = items(report, block, "filters", path)
    if not filters:
        report.error("required", "the 'filters' property cannot be empty", path)
    for index, raw in enumerate(filters):
        here: Path = (*path, "filters", index)
        if not isinstance(raw, dict):
            report.error("type-mismatch", "Expected a map with field, type and value, but found something else", here)
            continue
        known_keys(report, raw, frozenset({"field", "type", "value", "values"}), here, "a filter")
        choice(report, raw, "field", here, _FIELDS, "FLOW_ID")
        kind = choice(report, raw, "type", here, (*_ONE_VALUE, *_MANY_VALUES, *_NO_VALUE), "EQUAL_TO")
        for key, wanted in (("value", kind in _ONE_VALUE), ("values", kind in _MANY_VALUES)):
            if wanted and raw.get(key) is None:
                report.error("filter", f"'{key}' must not be null for type {kind}", here)
            elif not wanted and raw.get(key) is not None and kind not in _NO_VALUE:
                report.error("filter", f"'{key}' must be null for type {kind}", (*here, key))


def _check_time_window(report: Report, raw: Raw, path: Path) -> None:
    if not raw:
        return
    known_keys(report, raw, _WINDOW_KEYS, path, "a time window")
    kind = choice(report, raw, "type", path, tuple(_WINDOWS), "DURATION_WINDOW")
    needed, allowed = _WINDOWS[kind]
    for key in sorted(_WINDOW_KEYS - {"type"}):
        if raw.get(key) is not None and key not in allowed:
            report.error("time-window", f"'{key}' is not allowed for a time window of type {kind}", (*path, key))
        elif raw.get(key) is None and key in needed:
            report.error("time-window", f"'{key}' is required for a time window of type {kind}", path)
    for key in ("window", "windowAdvance"):
        duration_ms(report, raw, key, path)


def _check_window(report: Report, raw: Raw, path: Path) -> None:
    if not raw:
        return
    known_keys(
        report, raw, frozenset({"deadline", "from", "to", "every", "offset", "lookback", "fireOnce"}), path, "a window"
    )
    kinds = [name for name, keys in _NEW_WINDOWS.items() if any(raw.get(key) is not None for key in keys)]
    if len(kinds) > 1:
        message = f"Expected one of deadline, from with to, every or lookback, but found {' and '.join(kinds)}"
        report.error("time-window", message, path)
        return
    for kind in kinds:
        for key in {"from": ("from", "to"), "every": ("every",)}.get(kind, ()):
            if raw.get(key) is None:
                report.error("time-window", f"'{key}' is required for a window with '{kind}'", path)
    for key in ("every", "offset", "lookback"):
        duration_ms(report, raw, key, path)


_NEW_WINDOWS = {
    "deadline": ("deadline",),
    "from": ("from", "to"),
    "every": ("every", "offset"),
    "lookback": ("lookback",),
}
