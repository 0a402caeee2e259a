from __future__ import annotations

from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
tasks:
- id: seq
  type: Sequential
  tasks:
  - id: af
    type: AllowFailure
    tasks:
    - {id: inner, type: Sequential, tasks: [{id: a, type: Log, message: x}, {id: ko, type: Fail}, {id: b, type: Fail}]}
    errors: [{id: local, type: Log, message: x}]
  - {id: then, type: Log, message: x}
errors: [{id: global, type: Log, message: x}]
"""


def test_a_failure_becomes_a_warning_after_its_own_errors_ran() -> None:
    run = Driven(FLOW).run()

    assert run.states() == {
        "seq": "WARNING",
        "af": "WARNING",
        "inner": "FAILED",
        "a": "SUCCESS",
        "ko": "FAILED",
        "local": "SUCCESS",
        "then": "SUCCESS",
    }
    assert run.state is State.WARNING


def test_without_a_failure_it_is_a_sequential() -> None:
    run = Driven(FLOW.replace("type: Fail", "type: Log, message: x")).run()

    assert run.state is State.SUCCESS
    assert "local" not in run.states()


def test_a_failure_outside_still_fails_the_execution() -> None:
    run = Driven(FLOW.replace("{id: then, type: Log, message: x}", "{id: then, type: Fail}")).run()

    assert run.state is State.FAILED
    assert run["global"].state is State.SUCCESS


def test_in_a_loop_nothing_of_a_tolerated_failure_stays() -> None:
    source = """
    tasks:
    - id: each
      type: ForEach
      values: {values}
      tasks: [{id: af, type: AllowFailure, tasks: [{id: s, type: Sequential, tasks: [{id: ko, type: Fail}]}]}]
    """
    few, many = (Driven(source.replace("{values}", str(list(range(n))))).run() for n in (2, 40))

    assert few.state is many.state is State.WARNING
    assert len(many.rows.rows) == len(few.rows.rows)
