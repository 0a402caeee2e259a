"""The two older forms of ForEach."""

from __future__ import annotations

from engine.values import State
from tests.engine.execution.driven import Driven

TWO = "[{id: t, type: Work, script: x}, {id: u, type: Work, script: x}]"


def test_each_sequential_is_one_value_after_the_other() -> None:
    run = Driven(f"""
    tasks:
    - {{id: each, type: EachSequential, value: '["a", "b"]', tasks: {TWO}}}
    """).run()

    assert [(r.task, r.value) for r in run.runs.values()][1:] == [("t", "a"), ("u", "a"), ("t", "b"), ("u", "b")]
    assert run.state is State.SUCCESS


def test_each_parallel_runs_all_tasks_of_all_values_at_once() -> None:
    run = Driven(f"""
    tasks:
    - {{id: each, type: EachParallel, value: [a, b], tasks: {TWO}}}
    """).create()

    assert run.states() == {
        "each": "RUNNING",
        "t/a": "SUBMITTED",
        "u/a": "SUBMITTED",
        "t/b": "SUBMITTED",
        "u/b": "SUBMITTED",
    }


def test_each_parallel_keeps_its_limit_of_values() -> None:
    run = Driven(f"""
    tasks:
    - {{id: each, type: EachParallel, concurrent: 1, value: [a, b], tasks: {TWO}}}
    """).create()
    assert len(run.waiting) == 2

    run.go_on()
    assert len(run.runs) == 5


def test_each_sequential_with_tolerated_failures_is_a_warning() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: EachSequential
      value: ["1", "2", "3"]
      tasks:
      - {id: af, type: AllowFailure, tasks: [{id: ko, type: Fail, condition: "{{ parent.taskrun.value != '2' }}"}]}
    - {id: end, type: Log, message: x}
    """).run()

    assert run.state is State.WARNING
    assert [str(r.state) for r in run.all("ko")] == ["FAILED", "SUCCESS", "FAILED"]
    assert run["end"].state is State.SUCCESS
