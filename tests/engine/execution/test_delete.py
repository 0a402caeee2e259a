from __future__ import annotations

from engine.errors import Reason
from engine.execution import commands as c
from engine.execution import events as e
from engine.machine import Command, CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven

WORKING = "tasks: [{id: a, type: Work, script: x}]"


def refusal(run: Driven, command: Command) -> CommandRejected:
    (refused,) = run.send(command).events
    assert isinstance(refused, CommandRejected)
    return refused


def test_an_ended_execution_is_deleted_once() -> None:
    run = Driven(WORKING).run({"a": {}})

    assert run.send(c.DeleteExecution()).events != ()
    assert run.send(c.DeleteExecution()).events == ()
    assert run.header.deleted and len(run.of(e.ExecutionDeleted)) == 1


def test_one_that_has_not_ended_is_not_deleted() -> None:
    run = Driven("tasks: [{id: a, type: Pause}]").run()

    refused = refusal(run, c.DeleteExecution(request="r"))

    assert refused.reason is Reason.INVALID_STATE and "ended execution" in refused.message


def test_nothing_brings_it_back() -> None:
    run = Driven(WORKING).run({"a": State.FAILED})
    run.send(c.DeleteExecution())
    changed = c.ChangeTaskRunState(task_run_id=run["a"].id, state=State.SUCCESS, request="r")

    refusals = [refusal(run, command) for command in (c.RestartExecution(request="r"), changed)]

    assert [each.reason for each in refusals] == [Reason.NOT_FOUND] * 2
