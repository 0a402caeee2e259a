from __future__ import annotations

import pytest

from engine.errors import Reason
from engine.execution import commands as c
from engine.execution.replay import replayed
from engine.machine import CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven, Script

WORK = "type: Work, script: x"
FOLDER = "io.kestra.plugin.core.flow.WorkingDirectory"


def change(run: Driven, task: str, state: State, script: Script | None = None) -> Driven:
    run.send(c.ChangeTaskRunState(task_run_id=run[task].id, state=state))
    return run.go_on(script)


def refusal(run: Driven, task_run_id: str, state: State = State.SUCCESS) -> CommandRejected:
    done = run.send(c.ChangeTaskRunState(task_run_id=task_run_id, state=state, request="r"))
    assert len(done.events) == 1
    refused = done.events[0]
    assert isinstance(refused, CommandRejected)
    return refused


FLOW = f"""
tasks:
- {{id: a, {WORK}}}
- id: s
  type: Sequential
  tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]
  errors: [{{id: e1, {WORK}}}]
- {{id: d, {WORK}}}
errors: [{{id: e2, {WORK}}}]
afterExecution: [{{id: z, {WORK}}}]
"""


def test_a_failed_task_run_that_counts_as_success_lets_the_execution_go_on_after_it() -> None:
    run = Driven(FLOW).run({"b": State.FAILED})
    assert sorted(run.states()) == ["a", "b", "e1", "e2", "s", "z"]
    change(run, "b", State.SUCCESS)

    assert run.states() == dict.fromkeys(["a", "b", "s", "c", "d", "z"], "SUCCESS")
    assert run["b"].attempts == 1
    assert run["b"].states[-2:] == [State.FAILED, State.SUCCESS]
    assert run["a"].attempts == 1
    assert run.history[-4:] == [State.FAILED, State.RESTARTED, State.RUNNING, State.SUCCESS]


def test_a_success_that_counts_as_a_failure_brings_the_handlers() -> None:
    run = Driven(FLOW).run()
    change(run, "c", State.FAILED)
    assert run.state is State.FAILED
    assert run.states()["e1"] == run.states()["e2"] == "SUCCESS"
    assert run.states()["s"] == "FAILED"
    assert run["d"].attempts == 1

    change(run, "c", State.WARNING)
    assert run.state is State.WARNING
    assert "e1" not in run.states()


def test_what_else_failed_stays_as_it_is() -> None:
    run = Driven(f"""
    tasks:
    - {{id: p, type: Parallel, tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]}}
    - {{id: c, {WORK}}}
    """).run({"a": State.FAILED, "b": State.FAILED})
    change(run, "a", State.SUCCESS)
    assert run.state is State.FAILED
    assert run["b"].attempts == 1
    change(run, "b", State.SUCCESS)
    assert run.state is State.SUCCESS
    assert run["c"].state is State.SUCCESS


def test_what_depends_on_it_in_a_dag_begins() -> None:
    run = Driven(f"""
    tasks:
    - id: dag
      type: Dag
      tasks:
      - {{task: {{id: a, {WORK}}}}}
      - {{task: {{id: b, {WORK}}}, dependsOn: [a]}}
    """).run({"a": State.FAILED})
    assert change(run, "a", State.SUCCESS).states() == {"dag": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS"}


def test_a_loop_goes_on_after_the_iteration_that_failed() -> None:
    run = Driven(f"""
    tasks:
    - id: e
      type: ForEach
      values: [1, 2, 3]
      tasks: [{{id: s, type: Sequential, tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]}}]
    """).run({"a": [State.SUCCESS, State.FAILED, State.SUCCESS]})
    failed = next(each for each in run.all("a") if each.state is State.FAILED)
    assert len(run.all("a")) == 2
    run.send(c.ChangeTaskRunState(task_run_id=failed.id, state=State.SUCCESS))
    run.go_on()
    assert run.state is State.SUCCESS
    assert (len(run.all("a")), len(run.all("b"))) == (3, 3)


def test_a_loop_until_asks_its_condition_again() -> None:
    run = Driven(f"""
    tasks:
    - id: u
      type: LoopUntil
      condition: "{{{{ taskrun.value ?? true }}}}"
      tasks: [{{id: a, {WORK}}}]
    - {{id: z, {WORK}}}
    """).run({"a": State.FAILED})
    assert change(run, "a", State.SUCCESS).states() == {"u": "SUCCESS", "a": "SUCCESS", "z": "SUCCESS"}


def test_the_same_state_again_changes_nothing() -> None:
    run = Driven(FLOW).run()
    assert run.send(c.ChangeTaskRunState(task_run_id=run["b"].id, state=State.SUCCESS)).events == ()


def test_an_execution_with_a_limit_waits_for_a_slot_before_it_goes_on() -> None:
    run = Driven("concurrency: {limit: 1}\n" + FLOW)
    run.create()
    answer = {"scope": "test/flow", "answer": c.SlotAnswer.GRANTED}
    run.send(c.AnswerSlot(number=1, **answer))
    run.go_on({"b": State.FAILED})
    run.send(c.ChangeTaskRunState(task_run_id=run["b"].id, state=State.SUCCESS))
    run.go_on()
    assert "c" not in run.states()
    run.send(c.AnswerSlot(number=2, **answer))
    run.go_on()
    assert run.state is State.SUCCESS
    assert run["b"].attempts == 1


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.RETRIED])
def test_a_state_that_is_no_end_is_refused(state: State) -> None:
    run = Driven(FLOW).run()
    assert refusal(run, run["b"].id, state).reason is Reason.INVALID_ARGUMENT


def test_task_runs_from_which_nothing_can_go_on_are_refused() -> None:
    run = Driven(FLOW).run({"b": State.FAILED})
    assert "handles the end" in refusal(run, run["e1"].id, State.FAILED).message
    assert refusal(run, "nobody").reason is Reason.NOT_FOUND

    loop = Driven(f"tasks: [{{id: e, type: ForEach, values: [1], tasks: [{{id: a, {WORK}}}]}}]").run()
    assert refusal(loop, loop["a"].id, State.FAILED).reason is Reason.NOT_FOUND

    shared = Driven(f"tasks: [{{id: w, type: {FOLDER}, tasks: [{{id: a, {WORK}}}]}}]").run()
    assert "change the state of w" in refusal(shared, shared["a"].id, State.FAILED).message

    waiting = Driven(FLOW).create()
    assert refusal(waiting, waiting["a"].id).reason is Reason.INVALID_STATE

    lost = Driven(f"tasks: [{{id: p, type: Parallel, tasks: [{{id: a, type: Fail}}, {{id: b, {WORK}}}]}}]").create()
    lost.send(c.AbandonExecution(error="a bug"))
    assert "restart it" in refusal(lost, lost["a"].id).message


def test_what_came_with_another_task_run_is_changed_with_that_one() -> None:
    source = Driven(FLOW).run()
    runs = replayed(source.flow, source.flow, source.past(), "another", source["d"].id)
    run = Driven(FLOW, execution_id="another").create(carried=runs).go_on()
    assert "around it" in refusal(run, run["c"].id, State.FAILED).message
    change(run, "s", State.FAILED)
    assert run.state is State.FAILED
