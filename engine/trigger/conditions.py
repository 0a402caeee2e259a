"""Whether the conditions of a trigger hold: the condition types of the older generation, `when` of the newer.

Owns what each type of condition means. Which dates are tried, and what becomes of a condition that can't be evaluated,
is for those who ask. Conditions that gather several executions (`MultipleCondition`) are `joins.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine import expression
from engine.conditions import holds
from engine.expression.dates.moment import Moment, days_in_month
from engine.expression.dates.reading import read
from engine.expression.errors import Failure
from engine.flow.types import CORE, canonical
from engine.values import State

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
PLACES = ("FIRST", "SECOND", "THIRD", "FOURTH")
DATE = "{{ trigger.date }}"
DAY_S = 86_400
DEPTH_MAX = 20


class Unanswerable(ValueError):
    """A condition that can't be evaluated; the message says which, and why."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """The execution whose change of state a flow trigger looks at."""

    namespace: str
    flow_id: str
    state: State
    labels: Mapping[str, str] = {}
    has_outputs: bool = False
    attempts: Callable[[], Collection[State]] = frozenset
    """States that attempts of its task runs are in, or ended in; called only by a condition that asks for them."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What conditions are about."""

    scope: expression.Scope
    """What their templates read: `trigger`, `flow` …"""
    upstream: Upstream | None = None


def all_hold(conditions: Sequence[Any], when: str | None, facts: Facts) -> bool:
    """Return whether a trigger may start an execution: all of its conditions hold, and `when` does.

    Raises:
        Unanswerable: If one that matters can't be evaluated.
    """
    return all(condition_holds(each, facts) for each in conditions) and when_holds(when, facts)


def when_holds(when: Any, facts: Facts) -> bool:
    """Return the truth of a `when`; without one it holds.

    Raises:
        Unanswerable: If it can't be rendered.
    """
    return when is None or holds(rendered(when, facts, "when"))


def kind_of(condition: Any) -> str:
    """Return the short name of a condition's type, empty if it isn't one of the language's own.

    Example:
        >>> kind_of({"type": "io.kestra.core.models.conditions.types.DayWeekCondition"})
        'DayWeek'
    """
    declared = condition.get("type") if isinstance(condition, Mapping) else None
    name = canonical(declared) if isinstance(declared, str) else ""
    prefix = f"{CORE}condition."
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


def condition_holds(condition: Any, facts: Facts, depth: int = 0) -> bool:
    """Return whether one condition holds.

    Raises:
        Unanswerable: If it can't be evaluated.
    """
    kind = kind_of(condition)
    if depth > DEPTH_MAX:
        raise Unanswerable(f"Expected conditions nested at most {DEPTH_MAX} levels, but they are deeper")
    if kind in ("Not", "Or"):
        inner = condition.get("conditions")
        found = any(condition_holds(each, facts, depth + 1) for each in (inner if isinstance(inner, list) else ()))
        return found if kind == "Or" else not found
    leaf = _LEAVES.get(kind)
    if leaf is None:
        named = condition.get("type") if isinstance(condition, Mapping) else condition
        raise Unanswerable(f"Expected a condition that this version knows, but got {str(named)[:200]}")
    return leaf(condition, facts)


def rendered(value: Any, facts: Facts, what: str) -> Any:
    """Return a property of a condition with its templates rendered.

    Raises:
        Unanswerable: If that fails.
    """
    try:
        return expression.render_value(value, facts.scope)
    except (expression.RenderError, expression.NeedsWorld) as error:
        raise Unanswerable(f"{what}: {error}") from None


def _text(condition: Mapping[str, Any], key: str, facts: Facts, default: Any = "") -> str:
    value = condition.get(key)
    found = rendered(default if value is None else value, facts, key)
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)


def _upstream(facts: Facts) -> Upstream:
    if facts.upstream is None:
        raise Unanswerable("Expected a condition on the trigger itself, but this one asks for another flow's execution")
    return facts.upstream


# ---- executions -----------------------------------------------------------------------------------------------------


def _expression(condition: Mapping[str, Any], facts: Facts) -> bool:
    return _text(condition, "expression", facts).strip() not in ("", "false")


def _status(condition: Mapping[str, Any], facts: Facts) -> bool:
    return _among(condition, {_upstream(facts).state})


def _attempts(condition: Mapping[str, Any], facts: Facts) -> bool:
    return any(_among(condition, {state}) for state in _upstream(facts).attempts())


def _among(condition: Mapping[str, Any], states: Collection[str]) -> bool:
    wanted, unwanted = condition.get("in"), condition.get("notIn")
    if isinstance(wanted, list) and not any(state in wanted for state in states):
        return False
    return not (isinstance(unwanted, list) and any(state in unwanted for state in states))


def _flow(condition: Mapping[str, Any], facts: Facts) -> bool:
    upstream = _upstream(facts)
    return (upstream.namespace, upstream.flow_id) == (condition.get("namespace"), condition.get("flowId"))


def _namespace(condition: Mapping[str, Any], facts: Facts) -> bool:
    given = _upstream(facts).namespace
    wanted = str(condition.get("namespace"))
    comparison = condition.get("comparison") or ("PREFIX" if condition.get("prefix") in (True, "true") else "EQUALS")
    if comparison == "PREFIX":
        return given.startswith(wanted)
    return given.endswith(wanted) if comparison == "SUFFIX" else given == wanted


def _labels(condition: Mapping[str, Any], facts: Facts) -> bool:
    return labels_hold(condition.get("labels"), _upstream(facts).labels)


def labels_hold(wanted: Any, labels: Mapping[str, str]) -> bool:
    """Return whether an execution carries all of some labels, written as a map or as a list of `{key, value}`."""
    listed = [each for each in wanted if isinstance(each, Mapping)] if isinstance(wanted, list) else []
    pairs = wanted.items() if isinstance(wanted, Mapping) else [(e.get("key"), e.get("value")) for e in listed]
    return all(labels.get(str(key)) == _plain(value) for key, value in pairs)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outputs(condition: Mapping[str, Any], facts: Facts) -> bool:
    return _upstream(facts).has_outputs and _text(condition, "expression", facts).strip() == "true"


def _own_flow(condition: Mapping[str, Any], facts: Facts) -> bool:
    flow = facts.scope.variables.get("flow") or {}
    return bool(flow.get("namespace") == condition.get("namespace") and flow.get("id") == condition.get("flowId"))


def _own_namespace(condition: Mapping[str, Any], facts: Facts) -> bool:
    given = str((facts.scope.variables.get("flow") or {}).get("namespace"))
    wanted = str(condition.get("namespace"))
    return given.startswith(wanted) if condition.get("prefix") in (True, "true") else given == wanted


# ---- dates ----------------------------------------------------------------------------------------------------------


def _date(condition: Mapping[str, Any], facts: Facts) -> datetime:
    """Return the date that a condition is about, in its own zone."""
    return _moment(_text(condition, "date", facts, DATE), facts).at


def _moment(text: str, facts: Facts) -> Moment:
    try:
        return read(text.strip(), None, facts.scope.time_zone)
    except Failure as failure:
        raise Unanswerable(f"{text[:100]!r} is no date: {failure}") from None


def _between(condition: Mapping[str, Any], facts: Facts) -> bool:
    at = _date(condition, facts)
    after, before = (_text(condition, key, facts) for key in ("after", "before"))
    return (not after or at > _moment(after, facts).at) and (not before or at < _moment(before, facts).at)


def _time_between(condition: Mapping[str, Any], facts: Facts) -> bool:
    at = _date(condition, facts)
    after, before = (_text(condition, key, facts).strip() for key in ("after", "before"))
    if after and before:
        begin, end = _second_in_utc(after, at), _second_in_utc(before, at)
        return 0 < (_utc_second(at) - begin) % DAY_S < (end - begin) % DAY_S
    bound = _time_of(after or before, at)
    here = at.astimezone(bound.tzinfo) if bound.tzinfo is not None else at
    second = here.hour * 3600 + here.minute * 60 + here.second
    edge = bound.hour * 3600 + bound.minute * 60 + bound.second
    return second > edge if after else second < edge


def _utc_second(at: datetime) -> int:
    offset = at.utcoffset() or timedelta()
    return (at.hour * 3600 + at.minute * 60 + at.second - round(offset.total_seconds())) % DAY_S


def _second_in_utc(text: str, at: datetime) -> int:
    return _utc_second(_time_of(text, at))


def _time_of(text: str, at: datetime) -> datetime:
    """Return a time of day on the day of `at`, at its own offset if it has one."""
    try:
        moment = read(f"1970-01-01T{text}", None, "UTC")
    except Failure as failure:
        raise Unanswerable(f"{text[:100]!r} is no time such as 16:19:12+02:00: {failure}") from None
    zoned = text[-1:] in ("Z", "z") or "+" in text or "-" in text
    zone = moment.at.tzinfo if zoned else at.tzinfo
    return at.replace(hour=moment.at.hour, minute=moment.at.minute, second=moment.at.second, tzinfo=zone)


def _day_week(condition: Mapping[str, Any], facts: Facts) -> bool:
    return DAYS[_date(condition, facts).weekday()] == _text(condition, "dayOfWeek", facts).strip().upper()


def _day_week_in_month(condition: Mapping[str, Any], facts: Facts) -> bool:
    at = _date(condition, facts)
    if not _day_week(condition, facts):
        return False
    place = _text(condition, "dayInMonth", facts).strip().upper()
    if place == "LAST":
        return at.day + 7 > days_in_month(at.year, at.month)
    if place not in PLACES:
        raise Unanswerable(f"Expected 'dayInMonth' to be one of {', '.join((*PLACES, 'LAST'))}, but got {place[:50]!r}")
    return (at.day - 1) // 7 == PLACES.index(place)


def _weekend(condition: Mapping[str, Any], facts: Facts) -> bool:
    return _date(condition, facts).weekday() >= 5


_LEAVES: Mapping[str, Callable[[Mapping[str, Any], Facts], bool]] = {
    "Expression": _expression,
    "ExecutionStatus": _status,
    "ExecutionFlow": _flow,
    "ExecutionNamespace": _namespace,
    "ExecutionLabels": _labels,
    "ExecutionOutputs": _outputs,
    "HasRetryAttempt": _attempts,
    "FlowCondition": _own_flow,
    "FlowNamespaceCondition": _own_namespace,
    "DateTimeBetween": _between,
    "TimeBetween": _time_between,
    "DayWeek": _day_week,
    "DayWeekInMonth": _day_week_in_month,
    "Weekend": _weekend,
}
