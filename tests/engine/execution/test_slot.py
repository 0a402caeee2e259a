from __future__ import annotations

import pytest

from engine.errors import Reason
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.caller import Caller
from engine.execution.commands import SlotAnswer
from engine.execution.outstanding import OUTSTANDING
from engine.execution.state import SLOT, Slot
from engine.machine import Command, CommandRejected, SendCommand, Step
from engine.slots.commands import AcquireSlot, ConfirmSlot, ReleaseSlot
from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
concurrency: {limit: 2, behavior: QUEUE}
tasks:
  - {id: a, type: Work, script: a}
"""
AFTER = FLOW + "afterExecution:\n  - {id: z, type: Work, script: z}\n"


def asked(step: Step) -> list[Command]:
    """What a step asks of the flow's slots."""
    found = [effect for effect in step.effects if isinstance(effect, SendCommand)]
    assert all(effect.kind == "slots" and effect.id == "test/flow" for effect in found)
    return [effect.command for effect in found]


def said(execution: Driven, answer: str, number: int = 1) -> Step:
    """Let the flow's slots answer."""
    return execution.send(c.AnswerSlot(scope="test/flow", number=number, answer=SlotAnswer(answer)))


def slot(execution: Driven) -> Slot | None:
    return execution.rows.rows.get(SLOT)  # type: ignore[return-value]


def acquire(number: int = 1, *, forced: bool = False) -> AcquireSlot:
    return AcquireSlot(execution_id="execution", number=number, revision=1, limit=2, behavior="QUEUE", forced=forced)


RELEASE = ReleaseSlot(execution_id="execution", number=1)
CONFIRM = ConfirmSlot(execution_id="execution", number=1)


def test_an_execution_of_a_flow_without_limit_asks_for_nothing() -> None:
    run = Driven("tasks:\n  - {id: a, type: Log, message: a}").run()

    assert [effect for effect in run.effects if isinstance(effect, SendCommand)] == []
    assert slot(run) is None


def test_an_execution_of_a_limited_flow_begins_when_it_is_granted_a_slot() -> None:
    run = Driven(FLOW).create()

    assert asked(run.steps[-1]) == [acquire()]
    assert run.history == [State.CREATED]
    assert asked(said(run, "GRANTED")) == []
    assert run.history == [State.CREATED, State.RUNNING]
    assert run.order() == ["a"]


def test_an_execution_that_is_queued_shows_it_and_confirms_its_turn() -> None:
    run = Driven(FLOW).create()
    said(run, "QUEUED")

    assert run.state is State.QUEUED
    assert said(run, "QUEUED").events == ()
    assert asked(said(run, "GRANTED")) == [CONFIRM]
    run.go_on()
    assert run.history == [State.CREATED, State.QUEUED, State.RUNNING, State.SUCCESS]


def test_the_slot_is_given_back_when_nothing_is_left_to_do() -> None:
    run = Driven(AFTER).create()
    said(run, "GRANTED")
    run.claim("a")
    before = run.report("a")

    assert run.state is State.SUCCESS and asked(before) == []
    run.claim("z")
    assert asked(run.report("z")) == [RELEASE]
    said(run, "RETURNED")
    assert slot(run) is None


def test_a_paused_execution_keeps_its_slot() -> None:
    run = Driven(FLOW).create()
    said(run, "GRANTED")
    run.send(c.PauseExecution())

    held = slot(run)
    assert held is not None and held.phase == "held"


@pytest.mark.parametrize(("behavior", "end"), [("CANCEL", State.CANCELLED), ("FAIL", State.FAILED)])
def test_an_execution_that_is_refused_ends_as_the_flow_says(behavior: str, end: State) -> None:
    run = Driven(FLOW.replace("QUEUE", behavior)).create()
    last = said(run, "REFUSED")

    assert run.history == [State.CREATED, end]
    assert run.ended is not None and run.ended.error == "2 executions of test/flow run already"
    assert run.header.settled and slot(run) is None and asked(last) == [] and run.order() == []


def test_whoever_started_an_execution_hears_that_it_was_refused_or_taken_out_of_the_queue() -> None:
    caller = Caller(execution_id="parent", task_run_id="run", child_id="execution")
    refused = Driven(FLOW.replace("QUEUE", "CANCEL")).create(caller=caller)
    said(refused, "REFUSED")
    taken = Driven(FLOW).create(caller=caller)
    said(taken, "QUEUED")
    taken.send(c.UnqueueExecution(state=State.FAILED))
    late = Driven("sla: [{id: x, type: MAX_DURATION, duration: PT1S, behavior: FAIL}]" + FLOW).create(caller=caller)
    said(late, "QUEUED")
    late.fire_next()

    for run, end in ((refused, State.CANCELLED), (taken, State.FAILED), (late, State.FAILED)):
        assert [(called.caller, called.state) for called in run.of(e.CallerCalled)] == [(caller, end)]


def test_killing_a_queued_execution_ends_it_and_leaves_the_queue() -> None:
    run = Driven(FLOW).create()
    said(run, "QUEUED")
    last = run.send(c.KillExecution())

    assert run.history == [State.CREATED, State.QUEUED, State.KILLING, State.KILLED]
    assert asked(last) == [RELEASE]


def test_a_slot_that_comes_too_late_is_given_back() -> None:
    run = Driven(FLOW).create()
    run.send(c.KillExecution())

    assert asked(said(run, "GRANTED")) == [RELEASE]
    said(run, "RETURNED")
    assert asked(said(run, "GRANTED")) == [RELEASE]
    assert asked(said(run, "QUEUED")) == [RELEASE]
    assert asked(said(run, "REFUSED")) == []
    assert run.history == [State.CREATED, State.KILLING, State.KILLED]


def test_a_slot_for_an_execution_that_nobody_knows_is_given_back() -> None:
    assert asked(said(Driven(FLOW), "GRANTED")) == [RELEASE]


def test_a_grant_that_is_said_again_is_confirmed_and_starts_nothing() -> None:
    run = Driven(FLOW).create()
    said(run, "GRANTED")
    again = said(run, "GRANTED")

    assert again.events == () and asked(again) == [CONFIRM]
    assert said(run, "QUEUED").events == () and said(run, "REFUSED").events == ()


def test_a_request_is_outstanding_until_it_is_answered_and_a_return_until_it_is_taken() -> None:
    def waits(run: Driven) -> Command | None:
        row = slot(run)
        found = OUTSTANDING["c"](row) if row is not None else None
        assert found is None or isinstance(found.effect, SendCommand)
        return found.effect.command if found is not None else None  # type: ignore[union-attr]

    run = Driven(FLOW).create()
    assert waits(run) == acquire()
    said(run, "QUEUED")
    assert waits(run) is None
    said(run, "GRANTED")
    assert waits(run) is None
    run.go_on()
    assert waits(run) == RELEASE
    said(run, "RETURNED")
    assert waits(run) is None


def test_a_restart_asks_anew_and_runs_what_failed_when_it_has_its_slot() -> None:
    run = Driven(FLOW).create()
    said(run, "GRANTED")
    run.go_on({"a": State.FAILED})
    step = run.send(c.RestartExecution())

    assert asked(step) == [acquire(2)]
    assert said(run, "RETURNED").events == (), "of the run before"
    said(run, "QUEUED", 2)
    assert run.state is State.QUEUED and run.states() == {"a": "FAILED"}
    said(run, "GRANTED", 2)
    run.go_on()
    assert run.history[-4:] == [State.RESTARTED, State.QUEUED, State.RUNNING, State.SUCCESS]
    assert run["a"].attempts == 2


def test_a_restarted_execution_that_is_killed_in_the_queue_can_be_restarted_again() -> None:
    run = Driven(FLOW).create()
    said(run, "GRANTED")
    run.go_on({"a": State.FAILED})
    run.send(c.RestartExecution())
    said(run, "QUEUED", 2)
    run.send(c.KillExecution())
    assert run.state is State.KILLED and run.states() == {"a": "FAILED"}

    run.send(c.RestartExecution())
    said(run, "GRANTED", 3)
    assert run.go_on().state is State.SUCCESS


def test_nothing_of_a_restarted_execution_runs_while_it_waits() -> None:
    run = Driven(FLOW).create()
    said(run, "GRANTED")
    bell = run.bell("a")
    run.send(c.AbandonExecution(error="a record can't be processed"))
    run.send(c.RestartExecution())

    assert run.claim(bell) is None
    run.lose(bell, started=False)
    assert run.state is State.RESTARTED
    said(run, "GRANTED", 2)
    assert run.go_on().state is State.SUCCESS


def test_a_scheduled_execution_asks_when_its_time_has_come() -> None:
    run = Driven(FLOW).create(schedule_ms=1_005_000)

    assert slot(run) is None
    run.fire_next()
    assert asked(run.steps[-1]) == [acquire()]
    said(run, "GRANTED")
    assert run.state is State.RUNNING


def test_a_forced_execution_runs_at_once_and_takes_a_slot_beyond_the_limit() -> None:
    run = Driven(FLOW).create()
    said(run, "QUEUED")
    forced = run.send(c.ForceRunExecution())

    assert asked(forced) == [acquire(forced=True)]
    assert run.history == [State.CREATED, State.QUEUED, State.RUNNING]
    assert said(run, "QUEUED").events == () and said(run, "REFUSED").events == ()
    assert [type(event) for event in said(run, "GRANTED").events] == [e.SlotObtained]
    run.go_on()
    assert asked(run.steps[-1]) == [RELEASE]


def test_a_forced_execution_does_not_wait_for_its_time() -> None:
    scheduled = Driven(FLOW).create(schedule_ms=1_005_000)
    free = Driven(FLOW.replace("concurrency", "variables")).create(schedule_ms=1_005_000)
    for run in (scheduled, free):
        run.send(c.ForceRunExecution())

        assert run.state is State.RUNNING
        assert run.timers() == {}
    assert slot(free) is None


def test_a_forced_execution_that_is_paused_goes_on() -> None:
    run = Driven("tasks:\n  - {id: p, type: Pause}").create()
    run.send(c.ForceRunExecution())

    assert run.state is State.SUCCESS


def test_forcing_what_runs_changes_nothing_and_what_has_ended_is_refused() -> None:
    run = Driven(FLOW).create()
    said(run, "GRANTED")
    assert run.send(c.ForceRunExecution()).events == ()

    run.go_on()
    refused = run.send(c.ForceRunExecution(request="r")).events[0]
    assert isinstance(refused, CommandRejected) and refused.reason is Reason.INVALID_STATE


@pytest.mark.parametrize("end", [State.CANCELLED, State.FAILED])
def test_a_queued_execution_can_be_taken_out_of_the_queue_to_end(end: State) -> None:
    run = Driven(FLOW).create()
    said(run, "QUEUED")
    last = run.send(c.UnqueueExecution(state=end))

    assert run.history == [State.CREATED, State.QUEUED, end]
    assert asked(last) == [RELEASE]


def test_a_queued_execution_that_is_taken_out_of_the_queue_to_run_is_forced() -> None:
    run = Driven(FLOW).create()
    said(run, "QUEUED")

    assert asked(run.send(c.UnqueueExecution())) == [acquire(forced=True)]
    assert run.state is State.RUNNING


def test_only_a_queued_execution_leaves_the_queue_and_only_to_some_states() -> None:
    run = Driven(FLOW).create()
    early = run.send(c.UnqueueExecution(request="r")).events[0]
    said(run, "QUEUED")
    odd = run.send(c.UnqueueExecution(state=State.PAUSED, request="r")).events[0]

    assert isinstance(early, CommandRejected) and early.reason is Reason.INVALID_STATE
    assert isinstance(odd, CommandRejected) and odd.reason is Reason.INVALID_ARGUMENT
