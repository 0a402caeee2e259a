from __future__ import annotations

import pytest

from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
tasks:
- id: switch
  type: Switch
  value: "{{ inputs.v }}"
  cases:
    FIRST: [{id: a, type: Log, message: x}]
    SECOND: [{id: b, type: Log, message: x}, {id: c, type: Log, message: x}]
    THIRD:
    - {id: s, type: Sequential, tasks: [{id: d, type: Fail}], errors: [{id: e, type: Log, message: x}]}
    "true": [{id: t, type: Log, message: x}]
    "42": [{id: n, type: Log, message: x}]
  defaults: [{id: other, type: Log, message: x}]
"""


@pytest.mark.parametrize(
    ("value", "ran"),
    [("FIRST", ["a"]), ("SECOND", ["b", "c"]), (True, ["t"]), (42, ["n"]), ("first", ["other"]), ("", ["other"])],
)
def test_the_case_that_equals_the_rendered_text_runs(value: object, ran: list[str]) -> None:
    run = Driven(FLOW, {"v": value}).run()

    assert run.order() == ["switch", *ran]
    assert run.state is State.SUCCESS
    assert run["switch"].outputs is not None
    assert run["switch"].outputs["defaults"] is (ran == ["other"])


def test_the_outputs_say_which_case_it_was() -> None:
    run = Driven(FLOW, {"v": "SECOND"}).run()

    assert run["switch"].outputs == {"value": "SECOND", "defaults": False}


def test_a_case_that_fails_fails_the_switch() -> None:
    run = Driven(FLOW, {"v": "THIRD"}).run()

    assert run.states() == {"switch": "FAILED", "s": "FAILED", "d": "FAILED", "e": "SUCCESS"}


def test_no_case_and_no_defaults_succeed() -> None:
    run = Driven(FLOW.replace("  defaults: [{id: other, type: Log, message: x}]\n", ""), {"v": "?"}).run()

    assert run.states() == {"switch": "SUCCESS"}
    assert run["switch"].outputs == {"value": "?", "defaults": True}


def test_a_value_that_names_a_missing_input_fails_it() -> None:
    run = Driven(FLOW).run()

    assert run.states() == {"switch": "FAILED"}
    assert "inputs" in run.lines("switch")[0][1]
