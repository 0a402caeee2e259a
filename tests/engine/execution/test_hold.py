"""Pausing and resuming an execution as a whole."""

from __future__ import annotations

from engine.errors import Reason
from engine.execution import commands as c
from engine.machine import CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven

TWO = "tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]"


def test_what_runs_ends_and_nothing_new_starts() -> None:
    run = Driven(TWO).create()
    run.claim("a")
    run.send(c.PauseExecution())
    assert run.state is State.PAUSED
    run.report("a")
    assert run.states() == {"a": "SUCCESS"}

    run.send(c.ResumeExecution())
    assert run.states() == {"a": "SUCCESS", "b": "SUBMITTED"}
    run.go_on()
    assert run.history == [State.CREATED, State.RUNNING, State.PAUSED, State.RUNNING, State.SUCCESS]


def test_all_flowables_go_on_after_it() -> None:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: s, type: Sequential, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}
      - {id: each, type: ForEach, values: [1, 2], tasks: [{id: t, type: Work, script: x}]}
    """).create()
    run.send(c.PauseExecution())
    run.go_on()
    assert run.states() == {"p": "RUNNING", "s": "RUNNING", "a": "SUCCESS", "each": "RUNNING", "t/1": "SUCCESS"}

    run.send(c.ResumeExecution())
    run.go_on()
    assert run.state is State.SUCCESS
    assert run["t/2"].state is State.SUCCESS


def test_pausing_twice_changes_nothing() -> None:
    run = Driven(TWO).create()
    run.send(c.PauseExecution())

    assert run.send(c.PauseExecution(request="r")).events == ()


def test_only_a_running_execution_can_be_paused() -> None:
    for run in (Driven("tasks: [{id: a, type: Log, message: x}]").run(), Driven(TWO).create(schedule_ms=9_000_000)):
        (refused,) = run.send(c.PauseExecution(request="r")).events
        assert isinstance(refused, CommandRejected)
        assert refused.reason is Reason.INVALID_STATE


def test_a_sleep_that_ends_meanwhile_is_over_and_the_next_task_waits() -> None:
    run = Driven("tasks: [{id: a, type: Sleep, duration: PT1S}, {id: b, type: Log, message: x}]").create()
    run.send(c.PauseExecution())
    run.pass_ms(5_000)
    assert run.states() == {"a": "SUCCESS"}
    assert run.state is State.PAUSED

    run.send(c.ResumeExecution())
    assert run.state is State.SUCCESS


def test_a_failure_meanwhile_is_handled_after_it() -> None:
    run = Driven(TWO + "\nerrors: [{id: e, type: Log, message: x}]").create()
    run.send(c.PauseExecution())
    run.go_on({"a": State.FAILED})
    assert run.states() == {"a": "FAILED"}

    run.send(c.ResumeExecution())
    assert run.states() == {"a": "FAILED", "e": "SUCCESS"}


def test_a_large_step_goes_on_after_it() -> None:
    source = (
        'tasks: [{id: each, type: ForEach, values: "{{ range(1, 300) }}", tasks: [{id: t, type: Log, message: x}]}]'
    )
    run = Driven(source).create()
    run.send(c.PauseExecution())
    run.go_on()
    assert run.state is State.PAUSED
    assert run["each"].state is State.RUNNING

    run.send(c.ResumeExecution())
    run.go_on()
    assert run.state is State.SUCCESS
    assert len(run.all("t")) == 300
