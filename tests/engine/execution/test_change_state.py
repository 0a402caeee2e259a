"""Saying that an ended execution ended in another state."""

from __future__ import annotations

import pytest

from engine.errors import Reason
from engine.execution import commands as c
from engine.machine import CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven

ONE = "tasks: [{id: t, type: Log, message: x}]"


@pytest.mark.parametrize("state", [State.WARNING, State.FAILED, State.KILLED, State.CANCELLED])
def test_an_end_becomes_another_and_nothing_runs(state: State) -> None:
    run = Driven(ONE).run()
    done = run.send(c.ChangeExecutionState(state=state))

    assert run.state is state
    assert len(done.events) == 1
    assert run.header.settled
    assert run.send(c.ChangeExecutionState(state=state, request="r")).events == ()


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.SKIPPED, State.CREATED])
def test_a_state_that_is_no_end_of_an_execution_is_refused(state: State) -> None:
    (refused,) = Driven(ONE).run().send(c.ChangeExecutionState(state=state, request="r")).events

    assert isinstance(refused, CommandRejected)
    assert refused.reason is Reason.INVALID_ARGUMENT


def test_one_that_has_not_ended_is_refused() -> None:
    run = Driven("tasks: [{id: t, type: Sleep, duration: PT1H}]").create()
    (refused,) = run.send(c.ChangeExecutionState(state=State.SUCCESS, request="r")).events

    assert isinstance(refused, CommandRejected)
    assert refused.reason is Reason.INVALID_STATE


def test_one_that_counts_as_failed_now_may_be_restarted_and_ends_as_its_tasks_say() -> None:
    run = Driven(ONE).run()
    run.send(c.ChangeExecutionState(state=State.FAILED))
    run.send(c.RestartExecution())

    assert run.state is State.SUCCESS
    assert run["t"].attempts == 1
