from __future__ import annotations

from engine.values import State
from tests.engine.execution.driven import Driven

THREE = """
tasks:
- id: s
  type: Sequential
  tasks:
  - {id: a, type: Work, script: x}
  - {id: b, type: Work, script: x}
  - {id: c, type: Return, format: "{{ outputs.a.n + outputs.b.n }}"}
- {id: z, type: Log, message: end}
"""


def test_children_run_one_after_the_other() -> None:
    run = Driven(THREE).create()
    assert run.states() == {"s": "RUNNING", "a": "SUBMITTED"}

    run.work({"a": {"n": 1}})
    assert run.states() == {"s": "RUNNING", "a": "SUCCESS", "b": "SUBMITTED"}

    run.go_on({"b": {"n": 2}})
    assert run.states() == {"s": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "c": "SUCCESS", "z": "SUCCESS"}
    assert run.value("c") == "3"
    assert run.state is State.SUCCESS
    assert run.history == [State.CREATED, State.RUNNING, State.SUCCESS]


def test_the_first_failure_stops_the_rest() -> None:
    run = Driven(THREE).run({"a": State.FAILED})

    assert run.states() == {"s": "FAILED", "a": "FAILED"}
    assert run.state is State.FAILED


def test_children_name_their_flowable_as_parent() -> None:
    run = Driven(THREE).run()

    assert run["a"].parent == run["s"].id
    assert run["s"].parent is None


def test_a_warning_of_a_child_is_one_of_the_flowable_and_of_the_execution() -> None:
    run = Driven(THREE).run({"a": State.WARNING, "b": {"n": 1}})

    assert run["s"].state is State.FAILED, "c reads an output that a warning didn't leave"
    run = Driven(THREE.replace("outputs.a.n + outputs.b.n", "task.id")).run({"a": State.WARNING})
    assert run["s"].state is State.WARNING
    assert run.state is State.WARNING


def test_only_disabled_children_come_to_success() -> None:
    run = Driven("""
    tasks:
    - {id: s, type: Sequential, tasks: [{id: a, type: Fail, disabled: true}]}
    """).run()

    assert run.states() == {"s": "SUCCESS"}


def test_nested_sequences_keep_their_order() -> None:
    run = Driven("""
    tasks:
    - id: s
      type: Sequential
      tasks:
      - {id: a, type: Work, script: x}
      - id: t
        type: Sequential
        tasks:
        - {id: b, type: Work, script: x}
        - {id: u, type: Sequential, tasks: [{id: c, type: Work, script: x}, {id: d, type: Log, message: x}]}
        - {id: e, type: Log, message: x}
      - {id: f, type: Log, message: x}
    - {id: g, type: Log, message: x}
    """).run()

    assert run.order() == ["s", "a", "t", "b", "u", "c", "d", "e", "f", "g"]
    assert run.state is State.SUCCESS
