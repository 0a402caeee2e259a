"""errors, finally and afterExecution; runIf, disabled; what tolerates what."""

from __future__ import annotations

import pytest

from engine.execution import commands as c
from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
tasks:
- {id: a, type: Work, script: x}
- {id: b, type: Work, script: x}
errors: [{id: e1, type: Work, script: x}, {id: e2, type: Work, script: x}]
finally: [{id: f1, type: Work, script: x}, {id: f2, type: Work, script: x}]
afterExecution: [{id: z1, type: Return, format: "{{ execution.state }}"}, {id: z2, type: Work, script: x}]
"""


def test_without_a_failure_finally_and_after_execution_run() -> None:
    run = Driven(FLOW).run()

    assert run.order() == ["a", "b", "f1", "f2", "z1", "z2"]
    assert run.value("z1") == "SUCCESS"
    assert run.state is State.SUCCESS


def test_a_failure_runs_errors_then_finally_then_after_execution() -> None:
    run = Driven(FLOW).run({"a": State.FAILED})

    assert run.order() == ["a", "e1", "e2", "f1", "f2", "z1", "z2"]
    assert run.value("z1") == "FAILED"
    assert run.state is State.FAILED


def test_finally_runs_while_the_execution_is_running_and_after_execution_when_it_has_ended() -> None:
    run = Driven(FLOW).create()
    run.work({})
    run.work({})
    assert run["f1"].state is State.SUBMITTED
    assert run.state is State.RUNNING
    run.work({})
    run.work({})
    assert run.state is State.SUCCESS
    assert not run.header.settled

    run.work({})
    assert run.header.settled


@pytest.mark.parametrize("handler", ["f1", "z2"])
def test_a_failure_after_the_tasks_stops_its_branch_and_changes_no_state(handler: str) -> None:
    run = Driven(FLOW).run({handler: State.FAILED})

    assert run[handler].state is State.FAILED
    assert run.state is State.SUCCESS
    assert ("f2" in run.states()) is (handler != "f1")
    assert "e1" not in run.states()
    assert run.header.settled


def test_a_failure_in_errors_stops_them_and_finally_still_runs() -> None:
    run = Driven(FLOW).run({"a": State.FAILED, "e1": State.FAILED})

    assert run.order() == ["a", "e1", "f1", "f2", "z1", "z2"]
    assert run.state is State.FAILED


def test_errors_of_every_level_run_from_within() -> None:
    run = Driven("""
    tasks:
    - id: s
      type: Sequential
      tasks:
      - {id: t, type: Sequential, tasks: [{id: ko, type: Fail}], errors: [{id: inner, type: Log, message: x}]}
      errors: [{id: middle, type: Log, message: x}]
      finally: [{id: always, type: Log, message: x}]
    errors: [{id: outer, type: Log, message: x}]
    """).run()

    assert run.order() == ["s", "t", "ko", "inner", "middle", "always", "outer"]
    assert run.states()["s"] == run.states()["t"] == "FAILED"


def test_finally_of_a_flowable_runs_before_the_next_task() -> None:
    run = Driven("""
    tasks:
    - {id: s, type: Sequential, tasks: [{id: a, type: Log, message: x}], finally: [{id: f, type: Log, message: x}]}
    - {id: z, type: Log, message: x}
    """).run()

    assert run.order() == ["s", "a", "f", "z"]
    assert run["f"].parent == run["s"].id


def test_handlers_may_hold_flowables() -> None:
    run = Driven("""
    tasks: [{id: ko, type: Fail}]
    errors:
    - {id: p, type: Parallel, tasks: [{id: q, type: Parallel, tasks: [{id: x, type: Log, message: x}]}]}
    - {id: each, type: ForEach, values: [1, 2], tasks: [{id: y, type: Work, script: x}]}
    """).run()

    assert run.order() == ["ko", "p", "q", "x", "each", "y", "y"]


def test_disabled_tasks_are_left_out_everywhere() -> None:
    run = Driven("""
    tasks: [{id: a, type: Fail, disabled: true}, {id: ko, type: Fail}]
    errors: [{id: e1, type: Log, message: x}, {id: e2, type: Fail, disabled: true}, {id: e3, type: Log, message: x}]
    finally: [{id: f, type: Fail, disabled: true}]
    afterExecution: [{id: z, type: Fail, disabled: true}]
    """).run()

    assert run.order() == ["ko", "e1", "e3"]
    assert run.header.settled


def test_only_disabled_tasks_succeed() -> None:
    run = Driven("tasks: [{id: a, type: Fail, disabled: true}]").run()

    assert run.state is State.SUCCESS
    assert run.runs == {}


def test_a_false_run_if_skips_the_task() -> None:
    run = Driven(
        """
    tasks:
    - {id: a, type: Work, script: x, runIf: "{{ false }}"}
    - {id: s, type: Sequential, runIf: "{{ inputs.x == 'b' }}", tasks: [{id: b, type: Fail}]}
    - {id: c, type: Log, message: x, runIf: "{{ inputs.x == 'a' }}"}
    """,
        {"x": "a"},
    ).run()

    assert run.states() == {"a": "SKIPPED", "s": "SKIPPED", "c": "SUCCESS"}
    assert run.state is State.SUCCESS


def test_a_run_if_that_cannot_be_rendered_fails_the_task_and_says_so() -> None:
    run = Driven("""tasks: [{id: a, type: Log, message: x, runIf: "{{ nothing }}"}]""").run()

    assert run.states() == {"a": "FAILED"}
    assert run.lines("a")[0][1].startswith("runIf: ")
    assert run.state is State.FAILED


def test_run_if_in_errors_sees_the_states_of_tasks() -> None:
    run = Driven("""
    tasks:
    - {id: a, type: Log, message: x}
    - {id: b, type: Fail}
    errors:
    - {id: on-a, type: Log, message: x, runIf: "{{ tasks.a.state == 'FAILED' }}"}
    - {id: on-b, type: Log, message: x, runIf: "{{ tasks.b.state == 'FAILED' }}"}
    """).run()

    assert run.states() == {"a": "SUCCESS", "b": "FAILED", "on-a": "SKIPPED", "on-b": "SUCCESS"}


def test_errors_read_why_the_execution_failed() -> None:
    run = Driven("""
    tasks:
    - {id: ok, type: Work, script: x}
    - {id: p, type: Parallel, tasks: [{id: a, type: Fail, errorMessage: no way}, {id: b, type: Work, script: x}]}
    errors:
    - {id: e, type: Return, format: "{% for log in errorLogs() %}{{ log.taskId }}: {{ log.message }}. {% endfor %}"}
    """).run({"b": RuntimeError("exit code 3")})

    assert run.value("e") == "a: no way. b: exit code 3. "


def test_after_execution_chooses_by_the_final_state_and_reads_the_flows_outputs() -> None:
    run = Driven("""
    id: flow
    namespace: test
    tasks: [{id: a, type: Return, format: x}]
    outputs: [{id: o, type: STRING, value: "{{ outputs.a.value }}!"}]
    afterExecution:
    - {id: good, type: Return, format: "{{ execution.outputs.o }}", runIf: "{{ execution.state == 'SUCCESS' }}"}
    - {id: bad, type: Log, message: x, runIf: "{{ execution.state == 'FAILED' }}"}
    """).run()

    assert run.states() == {"a": "SUCCESS", "good": "SUCCESS", "bad": "SKIPPED"}
    assert run.value("good") == "x!"


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ("", State.FAILED),
        ("allowFailure: true, ", State.WARNING),
        ("allowFailure: true, allowWarning: true, ", State.SUCCESS),
        ("allowWarning: true, ", State.FAILED),
    ],
)
@pytest.mark.parametrize(
    "task",
    [
        "{id: t, %s type: Work, script: x}",
        "{id: t, %s type: Fail}",
        "{id: t, %s type: Sequential, tasks: [{id: i, type: Fail}]}",
        "{id: t, %s type: ForEach, values: none, tasks: [{id: i, type: Fail}]}",
        '{id: t, %s type: Log, message: x, runIf: "{{ nothing }}"}',
    ],
)
def test_allow_failure_and_allow_warning_soften_an_end(task: str, more: str, state: State) -> None:
    run = Driven(f"tasks:\n- {task % more}\n- {{id: z, type: Log, message: x}}\n").run({"t": State.FAILED})

    assert run["t"].state is state
    assert run.state is state
    assert ("z" in run.states()) is (state is not State.FAILED)


def test_a_worker_s_warning_becomes_a_success_where_allowed() -> None:
    source = "tasks: [{id: t, type: Work, script: x, allowWarning: true}]"

    assert Driven(source).run({"t": State.WARNING}).state is State.SUCCESS


def test_a_kill_after_the_end_stops_what_follows_it() -> None:
    run = Driven(FLOW).create()
    for _ in range(4):
        run.work({})
    run.claim("z2")
    run.send(c.KillExecution())
    assert not run.header.settled

    run.report("z2")
    assert run["z2"].state is State.KILLED
    assert run.state is State.SUCCESS
    assert run.header.settled
