from __future__ import annotations

import pytest

from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
tasks:
- id: if
  type: If
  condition: "{{ inputs.param }}"
  then: [{id: on-true, type: Log, message: x}]
  else: [{id: on-false, type: Log, message: x}]
- {id: last, type: Return, format: "{{ outputs.if.evaluationResult }}"}
"""


@pytest.mark.parametrize("param", ["true", "1", "anything", "False", "no", "[]", True, 1])
def test_what_is_not_false_is_true(param: object) -> None:
    run = Driven(FLOW, {"param": param}).run()

    assert run.order() == ["if", "on-true", "last"]
    assert run["if"].outputs == {"evaluationResult": True}
    assert run.value("last") == "true"


@pytest.mark.parametrize("param", ["false", " false ", "0", "-0", "", False, 0])
def test_false_zero_and_nothing_are_false(param: object) -> None:
    run = Driven(FLOW, {"param": param}).run()

    assert run.order() == ["if", "on-false", "last"]
    assert run["if"].outputs == {"evaluationResult": False}


def test_without_else_a_false_condition_succeeds() -> None:
    run = Driven(FLOW.replace("  else: [{id: on-false, type: Log, message: x}]\n", ""), {"param": "false"}).run()

    assert run.states() == {"if": "SUCCESS", "last": "SUCCESS"}


def test_the_condition_is_rendered_once() -> None:
    run = Driven("""
    tasks:
    - id: if
      type: If
      condition: "{{ outputs.a is not defined }}"
      then: [{id: a, type: Return, format: x}, {id: b, type: Work, script: x}, {id: c, type: Log, message: x}]
      else: [{id: d, type: Fail}]
    """).run()

    assert run.order() == ["if", "a", "b", "c"]
    assert run.state is State.SUCCESS


def test_a_condition_that_cannot_be_rendered_fails_it_with_a_line() -> None:
    run = Driven(FLOW.replace("inputs.param", "nothing")).run()

    assert run.states() == {"if": "FAILED"}
    assert "nothing" in run.lines("if")[0][1]
    assert run["if"].error == run.lines("if")[0][1]


def test_a_branch_that_fails_runs_the_errors_of_the_if() -> None:
    source = FLOW.replace("{id: on-true, type: Log, message: x}", "{id: on-true, type: Fail}")
    run = Driven(source.replace("  then:", "  errors: [{id: e, type: Log, message: x}]\n  then:"), {"param": 1}).run()

    assert run.states() == {"if": "FAILED", "on-true": "FAILED", "e": "SUCCESS"}


def test_a_branch_of_disabled_tasks_succeeds() -> None:
    run = Driven("""
    tasks:
    - {id: if, type: If, condition: "true", then: [{id: a, type: Fail, disabled: true}]}
    """).run()

    assert run.states() == {"if": "SUCCESS"}
