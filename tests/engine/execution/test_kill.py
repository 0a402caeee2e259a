from __future__ import annotations

import pytest

from engine.errors import Reason
from engine.execution import commands as c
from engine.execution import effects as f
from engine.execution import events as e
from engine.machine import CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven

ONE = """
tasks: [{id: t, type: Work, script: x}, {id: z, type: Log, message: x}]
errors: [{id: e, type: Log, message: x}]
finally: [{id: f, type: Log, message: x}]
"""


def kill(run: Driven) -> None:
    run.send(c.KillExecution())


def assert_killed(run: Driven, *, tasks: bool = True) -> None:
    assert run.state is State.KILLED
    assert run.history[-2:] == [State.KILLING, State.KILLED]
    assert run.header.settled
    assert run.timers() == {}
    assert run.header.paused == 0
    if tasks:
        assert "KILLED" in run.states().values()
        assert all(r.state.is_terminal for r in run.runs.values())


def test_a_queued_attempt_never_starts() -> None:
    run = Driven(ONE).create()
    bell = run.bell("t")
    kill(run)

    assert_killed(run)
    assert run.states() == {"t": "KILLED"}
    assert run.claim(bell) is None


def test_a_running_attempt_is_cancelled_and_waited_for() -> None:
    run = Driven(ONE).create()
    run.claim("t", "w1")
    kill(run)
    assert run.state is State.KILLING
    assert run.effects[-1] == f.SendCancel(task_run_id=run["t"].id, epoch=1, worker_id="w1")
    assert list(run.timers()) == [f"grace/{run['t'].id}"]

    run.report("t", State.SUCCESS, "w1")
    assert_killed(run)
    assert run.states() == {"t": "KILLED"}


def test_a_worker_that_does_not_answer_is_given_up() -> None:
    run = Driven(ONE, kill_grace_ms=10_000).create()
    run.claim("t", "w1")
    kill(run)
    run.pass_ms(10_000)

    assert_killed(run)
    assert "Worker w1 didn't confirm the kill in time" in run.lines("t")[0][1]
    assert run.report("t").events == ()


def test_a_worker_that_is_lost_while_killing_ends_the_attempt() -> None:
    run = Driven(ONE).create()
    run.claim("t", "w1")
    kill(run)
    run.lose("t", "w1")

    assert_killed(run)


def test_a_claim_while_killing_is_dropped() -> None:
    run = Driven(
        "tasks: [{id: p, type: Parallel, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}]"
    )
    run.create()
    bell = run.bell("b")
    run.claim("a")
    kill(run)

    assert run.claim(bell) is None
    assert run.claim("a", "w1") is None, "not even that of its worker is granted again"
    run.report("a")
    assert_killed(run)


@pytest.mark.parametrize(
    "task",
    [
        "{id: t, type: Sleep, duration: PT1H}",
        "{id: t, type: Pause}",
        "{id: t, type: Pause, pauseDuration: PT1H, timeout: PT2H}",
        "{id: t, type: Fail, retry: {type: constant, interval: PT1H, maxAttempts: 3}}",
    ],
)
def test_what_only_waits_ends_at_once(task: str) -> None:
    run = Driven(f"tasks:\n- {task}\n- {{id: z, type: Log, message: x}}").create()
    assert run.state in (State.RUNNING, State.PAUSED)
    kill(run)

    assert_killed(run)
    assert run.states() == {"t": "KILLED"}


def test_flowables_end_with_their_children_and_run_no_handlers() -> None:
    run = Driven("""
    tasks:
    - id: s
      type: Sequential
      tasks: [{id: p, type: Parallel, tasks: [{id: a, type: Work, script: x}, {id: b, type: Sleep, duration: PT1H}]}]
      errors: [{id: e, type: Log, message: x}]
      finally: [{id: f, type: Log, message: x}]
    """).create()
    run.claim("a")
    kill(run)
    assert run.states() == {"s": "RUNNING", "p": "RUNNING", "a": "RUNNING", "b": "KILLED"}
    run.report("a")

    assert_killed(run)
    assert run.states() == {"s": "KILLED", "p": "KILLED", "a": "KILLED", "b": "KILLED"}


def test_a_loop_ends_with_its_iterations() -> None:
    run = Driven("""
    tasks: [{id: each, type: ForEach, concurrencyLimit: 2, values: [1, 2, 3], tasks: [{id: t, type: Work, script: x}]}]
    """).create()
    run.claim("t/1")
    kill(run)
    run.report("t/1")

    assert_killed(run)
    assert run.states() == {"each": "KILLED", "t/1": "KILLED", "t/2": "KILLED"}


def test_a_tolerated_task_is_killed_all_the_same() -> None:
    run = Driven("""
    tasks:
    - {id: af, type: AllowFailure, allowFailure: true, tasks: [{id: t, type: Work, script: x, allowFailure: true}]}
    """).create()
    kill(run)

    assert_killed(run)
    assert run.states() == {"af": "KILLED", "t": "KILLED"}


def test_a_scheduled_execution_is_killed_before_it_begins() -> None:
    run = Driven(ONE).create(schedule_ms=2_000_000)
    kill(run)

    assert run.state is State.KILLED
    assert run.header.settled
    assert run.timers() == {}


def test_one_that_a_person_paused_is_killed() -> None:
    run = Driven(ONE).create()
    run.send(c.PauseExecution())
    kill(run)

    assert_killed(run)


def test_one_that_waits_between_two_steps_is_killed() -> None:
    source = (
        'tasks: [{id: each, type: ForEach, values: "{{ range(1, 500) }}", tasks: [{id: t, type: Log, message: x}]}]'
    )
    run = Driven(source).create()
    assert list(run.timers()) == [f"continue/{run['each'].id}"] or run.timers()
    kill(run)
    run.go_on()

    assert run.state is State.KILLED
    assert run.header.settled
    assert run["each"].state is State.KILLED
    assert len(run.all("t")) < 500


def test_finally_that_runs_is_killed() -> None:
    run = Driven("tasks: [{id: a, type: Log, message: x}]\nfinally: [{id: f, type: Sleep, duration: PT1H}]").create()
    kill(run)

    assert_killed(run)
    assert run["f"].state is State.KILLED


def test_after_execution_runs_even_when_killed() -> None:
    run = Driven("""
    tasks: [{id: a, type: Sleep, duration: PT1H}]
    afterExecution: [{id: z, type: Return, format: "{{ execution.state }}"}]
    """).create()
    kill(run)

    assert run.value("z") == "KILLED"
    assert run.header.settled


def test_a_second_kill_changes_nothing() -> None:
    run = Driven(ONE).create()
    run.claim("t")
    kill(run)

    assert run.send(c.KillExecution(request="r")).events == ()


def test_killing_an_ended_execution_is_refused() -> None:
    run = Driven("tasks: [{id: a, type: Log, message: x}]").run()
    (refused,) = run.send(c.KillExecution(request="r")).events

    assert isinstance(refused, CommandRejected)
    assert refused.reason is Reason.INVALID_STATE
    assert run.send(c.KillExecution()).events == ()


def test_thousands_of_open_tasks_are_killed_in_steps_of_bounded_size() -> None:
    tasks = "".join(f"  - {{id: t{n}, type: Work, script: x}}\n" for n in range(1500))
    run = Driven(f"tasks:\n- id: p\n  type: Parallel\n  tasks:\n{tasks}", checked=False).create()
    while run.fire_next():
        pass
    for number in range(400):
        run.claim(f"t{number}")
    begun = len(run.steps)
    kill(run)
    while run.timers() and min(run.timers().values()) <= run.now_ms:
        run.fire_next()

    assert run.state is State.KILLING
    assert max(len(done.events) for done in run.steps[begun:]) < 320
    assert len(run.of(e.TaskRunKillRequested)) == 400
    for number in range(400):
        run.report(f"t{number}")
    assert_killed(run)


def test_a_report_after_the_kill_of_an_attempt_keeps_its_outputs() -> None:
    run = Driven(ONE).create()
    run.claim("t")
    kill(run)
    run.report("t", {"n": 1})

    assert run["t"].outputs == {"n": 1}
    assert run["t"].state is State.KILLED
