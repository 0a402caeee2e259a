from __future__ import annotations

from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
tasks:
- id: dag
  type: Dag
  tasks:
  - {task: {id: t1, type: Work, script: x}}
  - {task: {id: t2, type: Work, script: x}, dependsOn: [t1]}
  - {task: {id: t3, type: Work, script: x}, dependsOn: [t1]}
  - {task: {id: t4, type: Work, script: x}, dependsOn: [t2]}
  - {task: {id: t5, type: Work, script: x}, dependsOn: [t4, t3]}
  - {task: {id: t6, type: Work, script: x}, dependsOn: [t2, t3]}
"""


def waiting(run: Driven) -> list[str]:
    return sorted(run.runs[bell.task_run_id].task for bell in run.waiting)


def test_a_task_starts_when_all_it_depends_on_has_ended() -> None:
    run = Driven(FLOW).create()
    assert waiting(run) == ["t1"]
    run.work({})
    assert waiting(run) == ["t2", "t3"]
    run.work({})
    assert waiting(run) == ["t3", "t4"]
    run.work({})
    assert waiting(run) == ["t4", "t6"]
    run.work({})
    assert waiting(run) == ["t5", "t6"]

    run.go_on()
    assert run.state is State.SUCCESS
    assert len(run.runs) == 7


def test_tasks_may_be_written_before_those_they_depend_on() -> None:
    run = Driven("""
    tasks:
    - id: dag
      type: Dag
      tasks:
      - {task: {id: last, type: Log, message: x}, dependsOn: [first]}
      - {task: {id: first, type: Work, script: x}}
    """).run()

    assert run.order() == ["dag", "first", "last"]


def test_a_limit_is_kept() -> None:
    run = Driven(FLOW.replace("  type: Dag\n", "  type: Dag\n  concurrent: 1\n")).create()
    while run.waiting:
        assert len(run.waiting) == 1
        run.work({})

    assert run.state is State.SUCCESS


def test_a_failure_starts_no_further_task() -> None:
    run = Driven(FLOW).create()
    run.work({})
    run.work({"t2": State.FAILED})
    run.go_on()

    assert run.states() == {"dag": "FAILED", "t1": "SUCCESS", "t2": "FAILED", "t3": "SUCCESS"}


def test_a_skipped_task_keeps_nobody_waiting() -> None:
    run = Driven(FLOW.replace("{id: t1, type: Work", "{id: t1, runIf: '{{ false }}', type: Work")).run()

    assert run["t1"].state is State.SKIPPED
    assert run.state is State.SUCCESS
    assert len(run.runs) == 7


def test_a_disabled_task_keeps_nobody_waiting() -> None:
    run = Driven(FLOW.replace("{id: t2, type: Work", "{id: t2, disabled: true, type: Work")).run()

    assert run.state is State.SUCCESS
    assert sorted(run.states()) == ["dag", "t1", "t3", "t4", "t5", "t6"]


def test_children_that_are_flowables_end_before_what_depends_on_them_starts() -> None:
    run = Driven("""
    tasks:
    - id: dag
      type: Dag
      tasks:
      - task: {id: p, type: Parallel, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}
      - {task: {id: last, type: Log, message: x}, dependsOn: [p]}
    """).run()

    assert run.order() == ["dag", "p", "a", "b", "last"]
    assert run["last"].parent == run["dag"].id


def test_errors_and_finally_of_a_dag_run() -> None:
    run = Driven("""
    tasks:
    - id: dag
      type: Dag
      tasks: [{task: {id: a, type: Fail}}]
      errors: [{id: e, type: Log, message: x}]
      finally: [{id: f, type: Log, message: x}]
    """).run()

    assert run.states() == {"dag": "FAILED", "a": "FAILED", "e": "SUCCESS", "f": "SUCCESS"}
