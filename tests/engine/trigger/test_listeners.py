from __future__ import annotations

import pytest

from engine import expression
from engine.trigger.conditions import Facts, Upstream
from engine.trigger.joins import join_of, met
from engine.trigger.listeners import Listeners, listeners_of
from engine.values import State
from tests.engine.trigger.driven import flow_of

FLOW = "io.kestra.plugin.core.trigger.Flow"
CONDITION = "io.kestra.plugin.core.condition."


def heard(index: Listeners, namespace: str, flow_id: str) -> list[str]:
    return [f"{each.flow_id}.{each.trigger.id}" for each in index.of(namespace, flow_id)]


def index_of(**flows: str) -> Listeners:
    index = Listeners()
    for flow_id, triggers in flows.items():
        index.put("own", flow_id, listeners_of(flow_of(triggers, flow_id=flow_id), 1))
    return index


EXACT = f"- {{id: a, type: {FLOW}, conditions: [{{type: {CONDITION}ExecutionFlow, namespace: n, flowId: f}}]}}"
NAMESPACE = f"- {{id: a, type: {FLOW}, conditions: [{{type: {CONDITION}ExecutionNamespace, namespace: n}}]}}"
PREFIX = f"- {{id: a, type: {FLOW}, conditions: [{{type: {CONDITION}ExecutionNamespace, namespace: n, prefix: true}}]}}"
DEPENDS = f"- {{id: a, type: {FLOW}, dependsOn: [{{namespace: n, flowId: f}}, {{flowId: g}}]}}"


def test_listeners_are_found_by_whom_they_listen_to() -> None:
    index = index_of(exact=EXACT, namespace=NAMESPACE, prefix=PREFIX, depends=DEPENDS)

    assert heard(index, "n", "f") == ["depends.a", "exact.a", "namespace.a", "prefix.a"]
    assert heard(index, "n", "x") == ["namespace.a", "prefix.a"]
    assert heard(index, "n.m", "x") == ["prefix.a"]
    assert heard(index, "else", "g") == ["depends.a", "prefix.a"]


def test_a_flow_never_listens_to_itself() -> None:
    index = index_of(every=f"- {{id: a, type: {FLOW}}}")

    assert heard(index, "own", "every") == []
    assert heard(index, "own", "other") == ["every.a"]


def test_a_later_revision_takes_the_place_of_the_earlier_one() -> None:
    index = index_of(one=EXACT)
    index.put("own", "one", listeners_of(flow_of(NAMESPACE, flow_id="one"), 2))
    assert heard(index, "n", "other") == ["one.a"]

    index.put("own", "one", ())
    assert heard(index, "n", "f") == [] and index.of("n", "f") == ()


def test_disabled_triggers_and_triggers_of_disabled_flows_do_not_listen() -> None:
    assert listeners_of(flow_of(f"- {{id: a, type: {FLOW}, disabled: true}}"), 1) == ()
    assert listeners_of(flow_of(f"- {{id: a, type: {FLOW}}}", "disabled: true"), 1) == ()


def test_unless_it_says_others_a_trigger_listens_to_ends_and_pauses() -> None:
    (default,) = listeners_of(flow_of(f"- {{id: a, type: {FLOW}}}"), 1)
    (named,) = listeners_of(flow_of(f"- {{id: a, type: {FLOW}, states: [RUNNING]}}"), 1)
    depends = f"- {{id: a, type: {FLOW}, dependsOn: [{{flowId: f, states: [RUNNING]}}]}}"
    (depending,) = listeners_of(flow_of(depends), 1)

    assert {State.SUCCESS, State.FAILED, State.PAUSED} < default.states and State.RUNNING not in default.states
    assert named.states == {State.RUNNING}
    assert State.RUNNING in depending.states


def facts(namespace: str = "n", flow_id: str = "f", state: State = State.SUCCESS, **labels: str) -> Facts:
    upstream = Upstream(namespace=namespace, flow_id=flow_id, state=state, labels=labels)
    return Facts(scope=expression.Scope(variables={"flowId": flow_id}, now_ms=0), upstream=upstream)


@pytest.mark.parametrize(
    ("filters", "operand", "expected"),
    [
        ("[{field: FLOW_ID, type: EQUAL_TO, value: f}]", "AND", True),
        ("[{field: FLOW_ID, type: NOT_EQUAL_TO, value: f}]", "AND", False),
        ("[{field: NAMESPACE, type: STARTS_WITH, value: a.}]", "AND", True),
        ("[{field: NAMESPACE, type: ENDS_WITH, value: .b}]", "AND", True),
        ("[{field: NAMESPACE, type: CONTAINS, value: x}]", "AND", False),
        ("[{field: STATE, type: IN, values: [SUCCESS, WARNING]}]", "AND", True),
        ("[{field: STATE, type: NOT_IN, values: [SUCCESS, WARNING]}]", "AND", False),
        ("[{field: FLOW_ID, type: REGEX, value: '[a-f]'}]", "AND", True),
        ("[{field: FLOW_ID, type: REGEX, value: '['}]", "AND", False),
        ("[{field: EXPRESSION, type: IS_TRUE, value: \"{{ flowId == 'f' }}\"}]", "AND", True),
        ("[{field: EXPRESSION, type: IS_FALSE, value: \"{{ flowId == 'f' }}\"}]", "AND", False),
        ("[{field: EXPRESSION, type: IS_NULL, value: \"{{ nothing ?? '' }}\"}]", "AND", True),
        ("[{field: FLOW_ID, value: f}, {field: STATE, value: FAILED}]", "AND", False),
        ("[{field: FLOW_ID, value: f}, {field: STATE, value: FAILED}]", "OR", True),
    ],
)
def test_where_filters_executions(filters: str, operand: str, expected: bool) -> None:
    trigger = f"""
- id: a
  type: {FLOW}
  preconditions:
    id: p
    where: [{{id: w, operand: {operand}, filters: {filters}}}]
"""
    join = join_of(flow_of(trigger).triggers[0])
    assert join is not None

    assert bool(met(join, facts("a.b"))) is expected


def test_a_dependency_may_name_states_labels_and_an_expression() -> None:
    trigger = f"""
- id: a
  type: {FLOW}
  dependsOn:
    - {{namespace: n, states: [SUCCESS], labels: {{x: 1}}, when: "{{{{ flowId == 'f' }}}}"}}
"""
    join = join_of(flow_of(trigger).triggers[0])
    assert join is not None

    assert met(join, facts(x="1")) == ("flow 0",)
    assert met(join, facts(x="2")) == ()
    assert met(join, facts(flow_id="g", x="1")) == ()
    assert met(join, facts(state=State.FAILED, x="1")) == ()


@pytest.mark.parametrize(
    ("mode", "least"), [("", 2), ("mode: ALL", 2), ("mode: ANY", 1), ("mode: AT_LEAST\n  minSatisfied: 1", 1)]
)
def test_the_mode_says_how_many_are_enough(mode: str, least: int) -> None:
    trigger = f"- id: a\n  type: {FLOW}\n  dependsOn: [{{flowId: f}}, {{flowId: g}}]\n  {mode}"
    join = join_of(flow_of(trigger).triggers[0])

    assert join is not None and join.least == least
