"""Outputs of tasks as templates read them, and outputs of the flow."""

from __future__ import annotations

from typing import Any

import pytest

from engine.execution.conclusion import typed
from engine.execution.outputs import Outputs
from engine.values import State
from tests.engine.execution.driven import Driven


def flow(outputs: str, tasks: str = "[{id: a, type: OutputValues, values: {x: 1, l: [1, 2]}}]") -> Driven:
    return Driven(f"id: flow\nnamespace: test\ntasks: {tasks}\noutputs: {outputs}\n")


def ended(run: Driven) -> dict[str, Any]:
    import msgspec

    assert run.ended is not None
    return msgspec.json.decode(run.ended.outputs_json) if run.ended.outputs_json else {}


def test_outputs_of_the_flow_are_rendered_at_the_end() -> None:
    run = flow("""[{id: o, type: STRING, value: "{{ outputs.a['values'].x }}!"}]""").run()

    assert ended(run) == {"o": "1!"}
    assert run.state is State.SUCCESS


def test_outputs_of_the_flow_have_their_type() -> None:
    run = flow("""
- {id: s, type: STRING, value: "{{ outputs.a['values'] }}"}
- {id: i, type: INT, value: "{{ outputs.a['values'].x }}"}
- {id: l, type: ARRAY, itemType: INT, value: "{{ outputs.a['values'].l }}"}
- {id: b, type: BOOL, value: "{{ 1 == 1 }}"}
- {id: j, type: JSON, value: {k: "{{ outputs.a['values'].x }}"}}
""").run()

    assert run.state is State.SUCCESS, run.ended
    assert ended(run) == {"s": '{"x":1,"l":[1,2]}', "i": 1, "l": [1, 2], "b": True, "j": {"k": "1"}}


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("3", "INT", 3),
        ("2.5", "FLOAT", 2.5),
        (True, "STRING", "true"),
        (None, "STRING", None),
        ([1], "STRING", "[1]"),
        ("False", "BOOL", False),
        ('{"a": 1}', "JSON", {"a": 1}),
        ("PT5S", "DURATION", "PT5S"),
    ],
)
def test_a_value_becomes_its_type(value: object, kind: str, expected: object) -> None:
    assert typed(value, kind) == expected


@pytest.mark.parametrize(
    ("value", "kind"), [("x", "INT"), ("1.5", "INT"), ("x", "FLOAT"), ("{", "JSON"), ("{}", "ARRAY")]
)
def test_a_value_that_is_not_of_its_type_is_refused(value: str, kind: str) -> None:
    with pytest.raises(ValueError, match="Expected"):
        typed(value, kind)


def test_an_output_that_cannot_be_rendered_fails_the_execution_and_leaves_none() -> None:
    run = flow("[{id: a, type: STRING, value: x}, {id: o, type: STRING, value: '{{ outputs.nothing.value }}'}]").run()

    assert run.state is State.FAILED
    assert run.states() == {"a": "SUCCESS"}
    assert ended(run) == {}
    assert run.ended is not None
    assert run.ended.error.startswith("Output 'o': ")
    assert "nothing" in run.ended.error


def test_an_optional_output_that_cannot_be_rendered_is_null() -> None:
    run = flow("[{id: o, type: STRING, required: false, value: '{{ outputs.nothing.value }}'}]").run()

    assert run.state is State.SUCCESS
    assert ended(run) == {"o": None}


def test_a_failed_execution_has_the_outputs_that_it_came_to() -> None:
    tasks = "[{id: a, type: OutputValues, values: {x: 1}}, {id: b, type: Fail}]"
    outputs = """
- {id: o, type: INT, value: "{{ outputs.a['values'].x }}"}
- {id: p, type: STRING, value: "{{ outputs.b.x }}"}
"""
    run = flow(outputs, tasks).run()

    assert run.state is State.FAILED
    assert ended(run) == {"o": 1}
    assert run.ended is not None
    assert run.ended.error == ""


def test_an_output_of_the_wrong_type_fails_the_execution() -> None:
    run = flow("[{id: o, type: INT, value: many}]").run()

    assert run.state is State.FAILED
    assert run.ended is not None
    assert run.ended.error == "Output 'o': Expected a whole number, but got 'many'"


def test_outputs_too_large_fail_the_execution() -> None:
    outputs = "\n".join(f"- {{id: o{n}, type: STRING, value: '{{{{ inputs.x }}}}'}}" for n in range(30))
    run = Driven(
        f"id: flow\nnamespace: test\ntasks: [{{id: a, type: Log, message: x}}]\noutputs:\n{outputs}\n",
        {"x": "y" * 100_000},
    ).run()

    assert run.state is State.FAILED
    assert run.ended is not None
    assert "Expected outputs of at most" in run.ended.error


LOOPS = """
tasks:
- id: outer
  type: ForEach
  values: [a, b]
  tasks:
  - {id: one, type: Return, format: "{{ taskrun.value }}"}
  - {id: inner, type: ForEach, values: [1, 2], tasks: [{id: two, type: Return, format: "{{ taskrun.value }}"}]}
- {id: plain, type: Return, format: p}
"""


def test_outputs_read_like_maps_and_by_key() -> None:
    run = Driven(LOOPS).run()
    outputs = Outputs(run.rows, run.setting.plan)  # type: ignore[arg-type]

    assert sorted(outputs) == ["one", "plain", "two"]
    assert len(outputs) == 3
    assert outputs["plain"] == {"value": "p"}
    assert outputs["one"]["b"] == {"value": "b"}
    assert list(outputs["two"]) == ["a", "b"]
    assert len(outputs["two"]["a"]) == 2
    assert outputs["two"]["a"]["2"] == outputs["two"]["a"][2] == {"value": "2"}
    for read in (lambda: outputs["inner"], lambda: outputs["one"]["c"], lambda: outputs["two"]["a"]["3"]):
        with pytest.raises(KeyError):
            read()


def test_an_output_of_a_loop_is_found_without_going_through_the_others() -> None:
    run = Driven(LOOPS).run()
    run.rows.scans = 0
    assert Outputs(run.rows, run.setting.plan)["two"]["b"]["1"]  # type: ignore[arg-type]

    assert run.rows.scans == 0


def test_a_task_reads_outputs_of_the_same_iteration() -> None:
    run = Driven("""
    tasks:
    - id: outer
      type: ForEach
      values: [a, b]
      tasks:
      - id: inner
        type: ForEach
        values: [1, 2]
        tasks:
        - {id: one, type: Return, format: "{{ parent.taskrun.value }}{{ taskrun.value }}"}
        - {id: two, type: Return, format: "{{ currentEachOutput(outputs.one).value }}!"}
    """).run()

    assert [r.outputs for r in run.all("two")] == [{"value": v} for v in ("a1!", "a2!", "b1!", "b2!")]
