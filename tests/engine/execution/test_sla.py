from __future__ import annotations

from typing import Any

import pytest

from engine.execution import commands as c
from engine.execution import effects as f
from engine.execution import events as e
from engine.execution.commands import SlotAnswer
from engine.values import State
from tests.engine.execution.driven import Driven

LATE = """
sla: [{id: late, type: MAX_DURATION, duration: PT10S, behavior: %s, labels: {sla: missed}}]
tasks:
  - {id: a, type: Work, script: a}
  - {id: b, type: Log, message: b}
errors: [{id: x, type: Log, message: x}]
finally: [{id: y, type: Log, message: y}]
afterExecution: [{id: z, type: Return, format: "{{ execution.state }}"}]
"""
ENDS = [("FAIL", State.FAILED), ("CANCEL", State.CANCELLED)]


def asserting(assertion: str, behavior: str = "FAIL", more: str = "") -> str:
    return f"""
sla: [{{id: fine, type: EXECUTION_ASSERTION, assert: "{assertion}", behavior: {behavior}, labels: {{sla: missed}}}}]
{more}
tasks:
  - {{id: a, type: Return, format: one}}
  - {{id: b, type: Return, format: two}}
  - {{id: d, type: Work, script: d}}
"""


def violations(run: Driven) -> list[Any]:
    return run.of(e.SlaViolated)


@pytest.mark.parametrize(("behavior", "end"), ENDS)
def test_an_execution_that_takes_too_long_is_stopped(behavior: str, end: State) -> None:
    run = Driven(LATE % behavior).create()
    run.claim("a")
    run.fire_next()

    assert any(isinstance(effect, f.SendCancel) for effect in run.effects), "its worker is told"
    assert run.state is State.RUNNING
    run.report("a", State.KILLED)
    assert run.history == [State.CREATED, State.RUNNING, end]
    assert run.states() == {"a": str(end), "z": "SUCCESS"}
    assert run.value("z") == str(end)
    assert run.header.labels["sla"] == "missed"
    assert [(each.sla_id, each.behavior) for each in violations(run)] == [("late", behavior)]
    assert run.timers() == {}


def test_one_that_nobody_works_at_ends_at_once() -> None:
    run = Driven((LATE % "FAIL").replace("{id: a, type: Work, script: a}", "{id: a, type: Pause}")).create()
    run.fire_next()

    assert run.history == [State.CREATED, State.RUNNING, State.PAUSED, State.FAILED]
    assert run.states() == {"a": "FAILED", "z": "SUCCESS"}


def test_a_worker_that_does_not_stop_is_not_waited_for_longer_than_after_a_kill() -> None:
    run = Driven(LATE % "FAIL", kill_grace_ms=7_000).create()
    run.claim("a")
    run.go_on()

    assert run.now_ms == 1_000_000 + 10_000 + 7_000
    assert run.state is State.FAILED


def test_with_behavior_none_it_is_labelled_and_goes_on() -> None:
    run = Driven(LATE % "NONE").create()
    run.fire_next()

    assert run.header.labels["sla"] == "missed"
    assert run.go_on().state is State.SUCCESS


def test_an_execution_that_is_over_in_time_leaves_no_timer() -> None:
    run = Driven(LATE % "FAIL").run()

    assert run.state is State.SUCCESS and run.timers() == {} and violations(run) == []


def test_what_runs_after_the_end_is_not_measured() -> None:
    run = Driven((LATE % "FAIL").replace("type: Return, format", "type: Work, script")).create()
    run.claim("a")
    run.report("a")
    run.fire_next()

    assert run.state is State.SUCCESS and violations(run) == []


def test_a_restart_is_measured_anew_and_can_violate_it_anew() -> None:
    run = Driven(LATE % "FAIL").create()
    run.claim("a")
    run.fire_next()
    run.report("a", State.KILLED)
    run.send(c.RestartExecution())

    assert run.timers() == {"sla/0": run.now_ms + 10_000}
    run.claim("a")
    run.fire_next()
    run.report("a", State.KILLED)
    assert [each.once for each in violations(run)] == ["1/0", "2/0"]


@pytest.mark.parametrize(("behavior", "end"), ENDS)
def test_waiting_for_a_slot_counts(behavior: str, end: State) -> None:
    run = Driven(LATE % behavior + "concurrency: {limit: 1}\n").create()
    run.send(c.AnswerSlot(scope="test/flow", number=1, answer=SlotAnswer.QUEUED))
    run.fire_next()

    assert run.history == [State.CREATED, State.QUEUED, end]
    assert run.ended is not None and run.ended.error == "SLA late is violated: it isn't over after 10000 ms"
    assert run.header.settled and run.of(e.SlotReturned)


def test_waiting_for_its_time_does_not_count() -> None:
    run = Driven(LATE % "FAIL").create(schedule_ms=2_000_000)
    assert run.timers() == {"start/": 2_000_000}
    run.fire_next()
    assert run.timers() == {"sla/0": 2_010_000}


def test_a_forced_execution_is_measured_from_its_beginning() -> None:
    scheduled = Driven(LATE % "FAIL").create(schedule_ms=2_000_000)
    scheduled.send(c.ForceRunExecution())
    queued = Driven(LATE % "FAIL" + "concurrency: {limit: 1}\n").create()
    queued.pass_ms(1_000)
    queued.send(c.ForceRunExecution())

    assert scheduled.timers() == queued.timers() == {"sla/0": 1_010_000}


def test_an_assertion_that_does_not_hold_at_the_beginning_lets_no_task_run() -> None:
    run = Driven(asserting("{{ inputs.x == 1 }}", "CANCEL"), {"x": 2}).create()

    assert run.state is State.CANCELLED and run.states() == {}
    assert [each.reason for each in violations(run)] == ["{{ inputs.x == 1 }} doesn't hold"]


def test_an_assertion_is_looked_at_between_tasks() -> None:
    run = Driven(asserting("{{ outputs.b.value is not defined }}")).create()

    assert run.state is State.FAILED and run.states() == {"a": "SUCCESS", "b": "SUCCESS"}


def test_an_assertion_that_cannot_be_rendered_yet_or_here_violates_nothing() -> None:
    early = Driven(asserting("{{ outputs.d.n == 1 }}")).create()
    world = Driven(asserting("{{ kv('x') }}")).run()

    assert early.state is State.RUNNING
    early.claim("d")
    early.report("d", {"n": 2})
    assert early.state is State.FAILED, "it can be now"
    assert world.state is State.SUCCESS and violations(world) == []


def test_an_assertion_with_behavior_none_labels_once() -> None:
    run = Driven(asserting("{{ inputs.x == 1 }}", "NONE"), {"x": 2}).run()

    assert run.state is State.SUCCESS
    assert run.header.labels["sla"] == "missed"
    assert len(violations(run)) == len(run.of(e.LabelsUpdated)) == 1


def test_every_sla_is_looked_at_although_they_have_the_same_id() -> None:
    two = """
    sla:
      - {id: x, type: EXECUTION_ASSERTION, assert: "false", behavior: NONE, labels: {one: "1"}}
      - {id: x, type: EXECUTION_ASSERTION, assert: "0", behavior: NONE, labels: {two: "2"}}
      - {id: x, type: EXECUTION_ASSERTION, assert: "no", behavior: FAIL}
    tasks: [{id: a, type: Log, message: a}]
    """
    run = Driven(two).run()

    assert run.state is State.SUCCESS
    assert run.header.labels.items() >= {"one": "1", "two": "2"}.items()


def test_pausing_and_labelling_are_changes_too() -> None:
    paused = Driven(asserting("{{ execution.state != 'PAUSED' }}")).create()
    paused.send(c.PauseExecution())
    labelled = Driven(asserting("{{ labels.stop is not defined }}")).create()
    labelled.send(c.UpdateLabels(labels={"stop": "yes"}))

    for run in (paused, labelled):
        assert len(violations(run)) == 1
        assert run.state is State.FAILED, run.history


def test_nothing_is_violated_while_the_execution_is_killed_or_waits() -> None:
    killed = Driven(asserting("{{ execution.state != 'KILLING' }}")).create()
    killed.claim("d")
    killed.send(c.KillExecution())
    killed.report("d", State.KILLED)
    waiting = Driven(asserting("{{ execution.state == 'RUNNING' }}", more="concurrency: {limit: 1}")).create()
    waiting.send(c.AnswerSlot(scope="test/flow", number=1, answer=SlotAnswer.QUEUED))

    assert killed.state is State.KILLED and violations(killed) == []
    assert waiting.state is State.QUEUED and violations(waiting) == []
