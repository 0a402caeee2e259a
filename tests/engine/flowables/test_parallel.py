from __future__ import annotations

from engine.values import State
from tests.engine.execution.driven import Driven


def six(limit: str = "") -> str:
    tasks = "".join(f"  - {{id: t{n}, type: Work, script: x}}\n" for n in range(6))
    return f"tasks:\n- id: p\n  type: Parallel\n{limit}  tasks:\n{tasks}- {{id: z, type: Log, message: end}}\n"


def test_all_children_run_at_once() -> None:
    run = Driven(six()).create()
    assert len(run.waiting) == 6

    run.go_on()
    assert run.state is State.SUCCESS
    assert run.order()[-1] == "z"


def test_a_limit_is_kept_and_used() -> None:
    run = Driven(six("  concurrent: 2\n")).create()
    seen = [len(run.waiting)]
    while run.waiting:
        run.work({})
        seen.append(len(run.waiting))

    assert seen == [2, 2, 2, 2, 2, 1, 0]
    assert run.state is State.SUCCESS


def test_a_limit_may_be_a_template() -> None:
    run = Driven(six('  concurrent: "{{ inputs.n }}"\n'), {"n": 3}).create()

    assert len(run.waiting) == 3


def test_a_limit_that_is_no_number_fails_the_flowable_with_a_line() -> None:
    run = Driven(six('  concurrent: "{{ inputs.n }}"\n'), {"n": "many"}).run()

    assert run.states() == {"p": "FAILED"}
    assert run.lines("p") == [("ERROR", "concurrent: expected a whole number, but got 'many'")]
    assert run.state is State.FAILED


def test_a_failure_lets_the_started_siblings_end_and_starts_no_further() -> None:
    run = Driven(six("  concurrent: 3\n")).create()
    run.work({"t0": State.FAILED})
    assert len(run.waiting) == 2

    run.go_on()
    assert run.states() == {"p": "FAILED", "t0": "FAILED", "t1": "SUCCESS", "t2": "SUCCESS"}
    assert run.state is State.FAILED


def test_errors_and_finally_run_in_order_after_all_children() -> None:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks: [{id: a, type: Fail}, {id: b, type: Work, script: x}]
      errors: [{id: e1, type: Work, script: x}, {id: e2, type: Work, script: x}]
      finally: [{id: f1, type: Work, script: x}, {id: f2, type: Work, script: x}]
    """).create()
    assert run.states() == {"p": "RUNNING", "a": "FAILED", "b": "SUBMITTED"}

    for expected in (["b"], ["e1"], ["e2"], ["f1"], ["f2"]):
        assert [run.runs[bell.task_run_id].task for bell in run.waiting] == expected
        run.work({})
    assert run["p"].state is State.FAILED


def test_a_parallel_in_a_parallel() -> None:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: q, type: Parallel, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}
      - {id: s, type: Sequential, tasks: [{id: c, type: Work, script: x}, {id: d, type: Work, script: x}]}
    """).create()
    assert {run.runs[bell.task_run_id].task for bell in run.waiting} == {"a", "b", "c"}

    run.go_on()
    assert run.state is State.SUCCESS


def test_thousands_of_children_start_in_steps_of_bounded_size() -> None:
    tasks = "".join(f"  - {{id: t{n}, type: Work, script: x}}\n" for n in range(2000))
    run = Driven(f"tasks:\n- id: p\n  type: Parallel\n  tasks:\n{tasks}", checked=False).create()
    while run.fire_next():
        pass

    assert len(run.waiting) == 2000
    assert max(len(done.events) for done in run.steps) < 320
    assert len(run.steps) < 20
