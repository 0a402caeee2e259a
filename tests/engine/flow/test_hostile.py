"""Flows that nobody means well with: everything ends, nothing raises."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow import parse_flow
from engine.flow.body import flow_to_json
from engine.flow.defaults import MAX_APPLIED
from engine.flow.document import MAX_DOCUMENTS, read_documents
from engine.flow.drawing import graph_svg
from engine.flow.edit import EditError, disable_task, remove_task
from engine.flow.graph import flow_graph
from engine.flow.mermaid import graph_mermaid
from engine.flow.problems import MAX_PROBLEMS, MAX_TEXT
from engine.flow.rules.cycles import depths, find_cycle
from engine.flow.validate import validate_part, validate_results
from tests.engine.flow.flows import CORE, flow_of, log, problems
from tests.engine.flow.test_graph import EVERYTHING

MANY = 2000


def dag(needed: Any) -> str:
    tasks = "".join(f"  - {{task: {log(f't{i}')}, dependsOn: {json.dumps(needed(i))}}}\n" for i in range(MANY))
    return f"tasks:\n- id: d\n  type: {CORE}flow.Dag\n  tasks:\n{tasks}"


def test_a_long_chain_of_dependencies_is_read_and_drawn() -> None:
    flow = parse_flow(flow_of(dag(lambda i: [f"t{i - 1}"] if i else []), tasks=False)).flow

    assert flow is not None
    assert len(flow_graph(flow)["nodes"]) == MANY + 5
    assert graph_svg(flow).count("<rect") == MANY + 1


def test_a_large_cycle_is_named_and_cut_short() -> None:
    (found,) = problems(dag(lambda i: [f"t{(i + 1) % MANY}"]), tasks=False)

    assert found.rule == "dag"
    assert len(found.message) <= MAX_TEXT


def test_problems_are_bounded_in_number_and_length() -> None:
    body = "tasks:\n" + "".join(f"- {log(f't{i}', **{f'x{i}': 1})}\n" for i in range(MAX_PROBLEMS + 100))

    assert len(parse_flow(flow_of(body, tasks=False)).problems) == MAX_PROBLEMS
    parsed = parse_flow("id: " + "a" * 100_000 + "!\n'" + "k" * 100_000 + "': 1\n")
    assert all(len(p.message) <= MAX_TEXT and len(p.path) <= MAX_TEXT for p in parsed.problems)


@pytest.mark.parametrize(
    "message",
    ["}}-" + "{{" * 50_000, "-" + "{{a}}" * 50_000, "{{" + " " * 100_000 + "-", "{{ inputs." + "a-" * 50_000 + "}}"],
)
def test_templates_are_looked_through_in_linear_time(message: str) -> None:
    parse_flow(
        flow_of(f"tasks:\n- id: a-b\n  type: {CORE}debug.Return\n  format: {json.dumps(message)}\n", tasks=False)
    )


def test_a_pattern_nested_too_deeply_is_refused() -> None:
    body = f"inputs: [{{id: a, type: STRING, validator: {'(' * 2000 + ')' * 2000}}}]"

    assert [p.rule for p in problems(body)] == ["input-validator"]


def test_documents_are_bounded_in_number() -> None:
    documents = read_documents("a: 1\n---\n" * (MAX_DOCUMENTS + 5))

    assert len(documents) == MAX_DOCUMENTS + 1
    assert [p.rule for p in documents[-1].problems] == ["yaml-documents"]


def test_defaults_that_fit_everything_set_a_bounded_number_of_values() -> None:
    defaults = "".join(f"- {{type: a, values: {{a{i}: 1}}}}\n" for i in range(MANY))
    tasks = "".join(f"- {{id: t{i}, type: a.b{i}}}\n" for i in range(MANY))
    parsed = parse_flow(flow_of(f"pluginDefaults:\n{defaults}tasks:\n{tasks}", tasks=False), strict=False)

    assert [p.rule for p in parsed.errors] == ["plugin-defaults"]
    assert parsed.flow is not None
    assert sum(len(task.properties) for task in parsed.flow.branches["tasks"]) <= MAX_APPLIED


def test_only_so_many_expressions_are_looked_into() -> None:
    values = "".join(f"  a{i}: '{{{{ vars.a0 ~ {i} }}}}'\n" for i in range(2 * MANY))

    found = problems(f"variables:\n{values}", severity="info")
    assert [p.rule for p in found] == ["too-many-expressions"]


def test_inputs_with_many_parts_and_many_inputs_are_checked() -> None:
    names = ["a." * 50_000 + "b", *(f"i{i}" for i in range(MANY))]
    inputs = "".join(f"- {{id: {name}, type: STRING}}\n" for name in names)
    reads = "".join(f"    - '{{{{ inputs.i{i} }}}} {{{{ inputs.x{i} }}}}'\n" for i in range(MANY))
    body = f"inputs:\n{inputs}tasks:\n- id: a\n  type: some.Type\n  list:\n{reads}"

    assert {p.rule for p in problems(body, tasks=False)} == {"size"}
    assert "The flow has no input 'x0'" in [p.message for p in problems(body, tasks=False, severity="warning")]


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "a\\0b", "Europe", "x" * 3000, ""])
def test_a_time_zone_is_no_way_to_a_file(zone: str) -> None:
    body = f'triggers: [{{id: a, type: {CORE}trigger.Schedule, cron: "* * * * *", timezone: "{zone}"}}]'

    assert [p.rule for p in problems(body)] == ["timezone"]


def test_depths_follow_the_longest_way_and_leave_cycles_out() -> None:
    edges = {"a": (), "b": ("a",), "c": ("a", "b"), "x": ("y",), "y": ("x", "a"), "z": ("gone",)}

    assert depths(edges) == {"a": 0, "z": 0, "b": 1, "c": 2}
    assert find_cycle(edges) == ["x", "y", "x"]
    assert find_cycle({"a": ("a",)}) == ["a", "a"]
    assert find_cycle({}) == []


ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, "", "x", "{{ x", "{{ inputs.a }}", 10**30, "P1D"),
    *(
        [],
        {},
        [None],
        [1],
        [[]],
        {"a": None},
        {"id": 1},
        {"type": []},
        ["a", {"task": None}],
        [{"id": "a", "type": {}}],
    ),
    {"type": f"{CORE}condition.Not", "conditions": [1]},
    [{"id": "d", "type": f"{CORE}flow.Dag", "tasks": [{"task": {"id": "b", "type": "x"}, "dependsOn": {"a": 1}}]}],
]
KEYS = [
    "retry",
    "inputs",
    "triggers",
    "conditions",
    "errors",
    "tasks",
    "labels",
    "timeout",
    "preconditions",
    "dependsOn",
    "window",
    "sla",
    "checks",
    "quotas",
    "listeners",
    "pluginDefaults",
    "concurrency",
    "workerSelector",
    "taskCache",
    "cases",
    "onResume",
    "outputs",
    "taskRunner",
    "values",
    "states",
    "stopAfter",
    "scheduleConditions",
    "id",
    "type",
    "variables",
    "then",
    "cron",
    "defaults",
]
BASE: Any = read_documents(
    flow_of(
        EVERYTHING
        + f"""
inputs: [{{id: a, type: SELECT, values: [x], dependsOn: {{inputs: [b]}}}}, {{id: b, type: ARRAY, itemType: INT}}]
outputs: [{{id: o, type: INT, value: 1}}]
retry: {{type: random, minInterval: 1, maxInterval: 2}}
pluginDefaults: [{{type: {CORE}log, values: {{level: INFO}}}}]
""",
        tasks=False,
    )
)[0].value


def places(value: Any) -> list[tuple[Any, Any]]:
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in inner] + [place for _, below in inner for place in places(below)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_value_anywhere_makes_the_front_door_raise(data: Any) -> None:
    raw = copy.deepcopy(BASE)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places(raw)))
        odd = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder[data.draw(st.sampled_from(KEYS))] = odd
        else:
            holder[key] = odd
    text = json.dumps(raw)

    json.dumps([validate_results(text), flow_to_json(text)])
    for part, section in ((raw.get("tasks"), "TASKS"), (raw.get("triggers"), "TRIGGERS")):
        for item in part if isinstance(part, list) else []:
            validate_part(json.dumps(item), section)  # type: ignore[arg-type]
    flow = parse_flow(text, strict=False).flow
    if flow is not None:
        json.dumps(flow_graph(flow))
        graph_svg(flow)
        graph_mermaid(flow)
    for change in (remove_task, disable_task):
        with contextlib.suppress(EditError):
            change(text, "yes1")


@given(st.text(max_size=80))
def test_no_text_whatsoever_makes_the_front_door_raise(text: str) -> None:
    for source in (text, f"id: a\nnamespace: b\ntasks: {text}", f"id: a\nnamespace: b\n{text}"):
        json.dumps(validate_results(source))
        flow_to_json(source)
