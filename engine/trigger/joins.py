"""What a flow trigger waits for: conditions that each execution must meet, and members that several may meet in turn.

Owns reading `preconditions`, `dependsOn` and MultipleCondition into one model, and which members an execution meets.
What was met before is kept by the Trigger aggregate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from engine.conditions import holds
from engine.expression.budget import DEFAULT_BUDGET
from engine.expression.errors import Failure
from engine.expression.patterns import compiled
from engine.flow.model import Trigger
from engine.trigger.conditions import (
    Facts,
    Unanswerable,
    condition_holds,
    kind_of,
    labels_hold,
    rendered,
    when_holds,
)
from engine.trigger.windows import Window, window_of
from engine.values import TERMINAL, State

STATES = frozenset({*TERMINAL, State.PAUSED})
"""States that a flow trigger listens to unless it says others."""


class Member(msgspec.Struct, frozen=True):
    """One of the things that must come together."""

    key: str
    kind: str
    """condition, flow or where."""
    written: Mapping[str, Any]


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Several things that must come together within a window."""

    members: tuple[Member, ...]
    least: int
    """How many of them are enough."""
    window: Window
    resets: bool = True
    """After it was complete it begins anew."""

    @property
    def alone(self) -> bool:
        """True if one execution completes it: nothing has to be kept."""
        return self.least <= 1


def gates_of(trigger: Trigger) -> tuple[Any, ...]:
    """Return the conditions that every execution must meet by itself."""
    return tuple(each for each in trigger.conditions if kind_of(each) != "MultipleCondition")


def join_of(trigger: Trigger) -> Join | None:
    """Return what must come together for a flow trigger, None if each execution counts by itself."""
    properties = trigger.properties
    dependencies = _maps(properties.get("dependsOn"))
    if dependencies:
        window = _map(properties.get("window"))
        members = tuple(Member(f"flow {i}", "flow", each) for i, each in enumerate(dependencies))
        least = _least(properties, len(members))
        return Join(members=members, least=least, window=window_of(window), resets=window.get("fireOnce") is not False)
    preconditions = _map(properties.get("preconditions"))
    members = (
        *(Member(f"flow {i}", "flow", each) for i, each in enumerate(_maps(preconditions.get("flows")))),
        *(Member(f"where {i}", "where", each) for i, each in enumerate(_maps(preconditions.get("where")))),
    )
    if members:
        window = _map(preconditions.get("timeWindow"))
        resets = preconditions.get("resetOnSuccess") not in (False, "false")
        return Join(members=members, least=_least(preconditions, len(members)), window=window_of(window), resets=resets)
    several = [each for each in trigger.conditions if kind_of(each) == "MultipleCondition"]
    members = tuple(
        Member(f"{number} {name}", "condition", _map(inner))
        for number, each in enumerate(several)
        for name, inner in _map(each.get("conditions")).items()
    )
    if not members:
        return None
    first = several[0]
    own = {key: first[key] for key in ("window", "windowAdvance") if key in first}
    window = {**_map(first.get("timeWindow")), **own}
    return Join(
        members=members,
        least=len(members),
        window=window_of(window),
        resets=first.get("resetOnSuccess") not in (False, "false"),
    )


def _least(raw: Mapping[str, Any], members: int) -> int:
    mode, least = raw.get("mode"), raw.get("minSatisfied")
    if mode == "ANY":
        return 1
    return least if mode == "AT_LEAST" and isinstance(least, int) and 0 < least <= members else members


def states_of(trigger: Trigger) -> frozenset[State]:
    """Return the states that a flow trigger listens to."""
    written = trigger.properties.get("states")
    if isinstance(written, list):
        return _states(written)
    join = join_of(trigger)
    named = [each.written.get("states") for each in join.members] if join is not None else []
    return STATES.union(*(_states(states) for states in named if isinstance(states, list)))


def _states(written: list[Any]) -> frozenset[State]:
    return frozenset(State(each) for each in written if isinstance(each, str) and each in State.__members__)


def met(join: Join, facts: Facts) -> tuple[str, ...]:
    """Return the keys of the members that an execution meets. One that can't be evaluated isn't met."""
    found = []
    for member in join.members:
        try:
            if _MEETS[member.kind](member.written, facts):
                found.append(member.key)
        except Unanswerable:
            continue
    return tuple(found)


def _meets_flow(written: Mapping[str, Any], facts: Facts) -> bool:
    upstream = facts.upstream
    if upstream is None:
        return False
    for name, given in (("namespace", upstream.namespace), ("flowId", upstream.flow_id)):
        if written.get(name) is not None and str(written[name]) != given:
            return False
    states = written.get("states")
    if isinstance(states, list) and states and upstream.state not in states:
        return False
    return labels_hold(written.get("labels") or {}, upstream.labels) and when_holds(written.get("when"), facts)


def _meets_where(written: Mapping[str, Any], facts: Facts) -> bool:
    filters = _maps(written.get("filters"))
    combine = any if written.get("operand") == "OR" else all
    return bool(filters) and combine(_passes(each, facts) for each in filters)


def _passes(written: Mapping[str, Any], facts: Facts) -> bool:
    upstream = facts.upstream
    if upstream is None:
        return False
    field, kind = written.get("field", "FLOW_ID"), written.get("type", "EQUAL_TO")
    if field == "EXPRESSION":
        given = rendered(written.get("value"), facts, "value")
        wanted: Any = None
    else:
        given = {"NAMESPACE": upstream.namespace, "STATE": str(upstream.state)}.get(str(field), upstream.flow_id)
        wanted = written.get("value")
    values = [str(each) for each in written.get("values") or ()] if isinstance(written.get("values"), list) else []
    text = "" if given is None else str(given)
    match kind:
        case "IS_TRUE" | "IS_FALSE":
            return holds(given) is (kind == "IS_TRUE")
        case "IS_NULL" | "IS_NOT_NULL":
            return (text == "") is (kind == "IS_NULL")
        case "IN" | "NOT_IN":
            return (text in values) is (kind == "IN")
        case "REGEX":
            return _matches(str(wanted), text)
        case "STARTS_WITH":
            return text.startswith(str(wanted))
        case "ENDS_WITH":
            return text.endswith(str(wanted))
        case "CONTAINS":
            return str(wanted) in text
    return (text == str(wanted)) is (kind == "EQUAL_TO")


def _matches(pattern: str, text: str) -> bool:
    try:
        return compiled(pattern).fullmatch(text, timeout=DEFAULT_BUDGET.regex_ms / 1000) is not None
    except (Failure, TimeoutError) as error:
        raise Unanswerable(f"regular expression {pattern[:100]!r}: {error}") from None


_MEETS: Mapping[str, Callable[[Any, Facts], bool]] = {
    "flow": _meets_flow,
    "where": _meets_where,
    "condition": condition_holds,
}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
