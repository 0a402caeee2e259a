from __future__ import annotations

from typing import Any

import pytest

from engine import expression
from engine.trigger.conditions import Facts, Unanswerable, Upstream, all_hold, condition_holds
from engine.values import State

TYPE = "io.kestra.plugin.core.condition."
UPSTREAM = Upstream(
    namespace="a.b", flow_id="up", state=State.FAILED, labels={"x": "1", "ok": "true"}, has_outputs=True
)


def facts(date: str = "2026-03-06T10:00:00+01:00", **more: Any) -> Facts:
    variables = {"trigger": {"date": date, "outputs": {"n": 3}}, "flow": {"id": "own", "namespace": "own.ns"}, **more}
    return Facts(scope=expression.Scope(variables=variables, now_ms=0), upstream=UPSTREAM)


def holds(kind: str, date: str = "2026-03-06T10:00:00+01:00", **properties: Any) -> bool:
    return condition_holds({"type": TYPE + kind, **properties}, facts(date))


@pytest.mark.parametrize(
    ("expected", "kind", "properties"),
    [
        (True, "Expression", {"expression": "{{ trigger.outputs.n == 3 }}"}),
        (False, "Expression", {"expression": "{{ trigger.outputs.n == 4 }}"}),
        (True, "Expression", {"expression": "0"}),
        (False, "Expression", {"expression": "  "}),
        (True, "ExecutionStatus", {"in": ["FAILED", "WARNING"]}),
        (False, "ExecutionStatus", {"in": ["SUCCESS"]}),
        (False, "ExecutionStatus", {"notIn": ["FAILED"]}),
        (True, "ExecutionFlow", {"namespace": "a.b", "flowId": "up"}),
        (False, "ExecutionFlow", {"namespace": "a", "flowId": "up"}),
        (True, "ExecutionNamespace", {"namespace": "a.b"}),
        (False, "ExecutionNamespace", {"namespace": "a"}),
        (True, "ExecutionNamespace", {"namespace": "a", "prefix": True}),
        (True, "ExecutionNamespace", {"namespace": "a", "comparison": "PREFIX"}),
        (True, "ExecutionNamespace", {"namespace": ".b", "comparison": "SUFFIX"}),
        (True, "ExecutionLabels", {"labels": {"x": 1, "ok": True}}),
        (True, "ExecutionLabels", {"labels": [{"key": "x", "value": "1"}]}),
        (False, "ExecutionLabels", {"labels": {"x": "2"}}),
        (True, "ExecutionOutputs", {"expression": "{{ trigger.outputs.n > 2 }}"}),
        (False, "ExecutionOutputs", {"expression": "{{ trigger.outputs.n }}"}),
        (True, "FlowCondition", {"namespace": "own.ns", "flowId": "own"}),
        (True, "FlowNamespaceCondition", {"namespace": "own", "prefix": True}),
        (False, "FlowNamespaceCondition", {"namespace": "own"}),
    ],
)
def test_conditions_on_executions_and_flows(expected: bool, kind: str, properties: dict[str, Any]) -> None:
    assert holds(kind, **properties) is expected


@pytest.mark.parametrize(
    ("expected", "kind", "date", "properties"),
    [
        (True, "DayWeek", "2026-03-06T23:30:00-08:00", {"dayOfWeek": "FRIDAY"}),
        (False, "DayWeek", "2026-03-07T00:30:00+01:00", {"dayOfWeek": "FRIDAY"}),
        (True, "DayWeekInMonth", "2026-03-02T09:00:00Z", {"dayOfWeek": "MONDAY", "dayInMonth": "FIRST"}),
        (False, "DayWeekInMonth", "2026-03-09T09:00:00Z", {"dayOfWeek": "MONDAY", "dayInMonth": "FIRST"}),
        (True, "DayWeekInMonth", "2026-03-30T09:00:00Z", {"dayOfWeek": "MONDAY", "dayInMonth": "LAST"}),
        (True, "Weekend", "2026-03-07T09:00:00Z", {}),
        (False, "Weekend", "2026-03-06T09:00:00Z", {}),
        (True, "DateTimeBetween", "2026-03-06T09:00:00Z", {"after": "2026-03-06T09:59:00+01:00"}),
        (False, "DateTimeBetween", "2026-03-06T09:00:00Z", {"after": "2026-03-06T09:00:00Z"}),
        (False, "DateTimeBetween", "2026-03-06T09:00:00Z", {"after": "2026-01-01", "before": "2026-03-01"}),
        (True, "TimeBetween", "2026-03-06T09:30:00Z", {"after": "10:00:00+01:00", "before": "11:00:00+01:00"}),
        (False, "TimeBetween", "2026-03-06T08:30:00Z", {"after": "10:00:00+01:00", "before": "11:00:00+01:00"}),
        (True, "TimeBetween", "2026-03-06T23:30:00Z", {"after": "22:00:00Z", "before": "02:00:00Z"}),
        (True, "TimeBetween", "2026-03-06T01:30:00Z", {"after": "22:00:00Z", "before": "02:00:00Z"}),
        (False, "TimeBetween", "2026-03-06T12:00:00Z", {"after": "22:00:00Z", "before": "02:00:00Z"}),
        (True, "TimeBetween", "2026-03-06T12:00:00+05:00", {"after": "11:59"}),
        (False, "TimeBetween", "2026-03-06T12:00:00Z", {"before": "12:00:00Z"}),
    ],
)
def test_conditions_on_dates(expected: bool, kind: str, date: str, properties: dict[str, Any]) -> None:
    assert holds(kind, date, **properties) is expected


def test_old_names_of_conditions_mean_the_same() -> None:
    old = {"type": "io.kestra.core.models.conditions.types.ExecutionStatusCondition", "in": ["FAILED"]}

    assert condition_holds(old, facts())


def test_not_holds_if_none_of_its_conditions_does_and_or_if_any_does() -> None:
    yes = {"type": TYPE + "ExecutionStatus", "in": ["FAILED"]}
    no = {"type": TYPE + "ExecutionStatus", "in": ["SUCCESS"]}

    assert holds("Not", conditions=[no, no]) and not holds("Not", conditions=[no, yes])
    assert holds("Or", conditions=[no, yes]) and not holds("Or", conditions=[no, no])


def test_attempts_are_asked_for_only_by_the_condition_on_them() -> None:
    asked: list[str] = []

    def attempts() -> set[State]:
        asked.append("once")
        return {State.FAILED, State.SUCCESS}

    upstream = Upstream(namespace="a", flow_id="b", state=State.SUCCESS, attempts=attempts)
    about = Facts(scope=expression.Scope(variables={}, now_ms=0), upstream=upstream)

    assert condition_holds({"type": TYPE + "ExecutionStatus", "in": ["SUCCESS"]}, about) and not asked
    assert condition_holds({"type": TYPE + "HasRetryAttempt", "in": ["FAILED"]}, about) and asked


def test_all_conditions_and_when_must_hold() -> None:
    yes = {"type": TYPE + "ExecutionStatus", "in": ["FAILED"]}

    assert all_hold((yes,), "{{ 1 }}", facts())
    assert not all_hold((yes,), "{{ 0 }}", facts())
    assert all_hold((), None, facts())


@pytest.mark.parametrize(
    "condition",
    [
        {"type": TYPE + "Expression", "expression": "{{ nothing }}"},
        {"type": TYPE + "Expression", "expression": "{{ secret('X') }}"},
        {"type": TYPE + "DayWeek", "dayOfWeek": "MONDAY", "date": "yesterday"},
        {"type": TYPE + "TimeBetween", "after": "noon"},
        {"type": "io.kestra.plugin.core.log.Log"},
        "text",
    ],
)
def test_a_condition_that_cannot_be_evaluated_says_why(condition: Any) -> None:
    with pytest.raises(Unanswerable):
        condition_holds(condition, facts())


def test_a_condition_on_another_execution_needs_one() -> None:
    with pytest.raises(Unanswerable, match="another flow's execution"):
        condition_holds({"type": TYPE + "ExecutionStatus", "in": []}, Facts(scope=expression.Scope({}, 0)))
