from __future__ import annotations

import pytest

from engine.errors import Reason
from engine.execution import commands as c
from engine.execution import events as e
from engine.machine import CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven, Script


def restart(run: Driven, script: Script | None = None) -> Driven:
    run.send(c.RestartExecution())
    return run.go_on(script)


FLOW = """
tasks:
- {id: a, type: Work, script: x}
- {id: b, type: Work, script: x}
- {id: c, type: Log, message: "{{ taskrun.attemptsCount == 1 ? 'ok' : ko }}"}
- {id: d, type: Log, message: x}
"""


def test_only_what_failed_runs_again_under_the_same_ids() -> None:
    run = Driven(FLOW).run()
    assert run.states() == {"a": "SUCCESS", "b": "SUCCESS", "c": "FAILED"}
    before = run["c"].id
    restart(run)

    assert run.states() == {"a": "SUCCESS", "b": "SUCCESS", "c": "SUCCESS", "d": "SUCCESS"}
    assert run["c"].id == before
    assert run["c"].attempts == 2
    assert run["c"].states == [State.FAILED, State.RESTARTED, State.RUNNING, State.SUCCESS]
    assert run["a"].attempts == 1
    assert run.history == [
        State.CREATED,
        State.RUNNING,
        State.FAILED,
        State.RESTARTED,
        State.RUNNING,
        State.SUCCESS,
    ]
    assert run.header.attempt == 2
    assert run.header.labels["system.restarted"] == "true"


def test_it_may_be_restarted_several_times() -> None:
    run = Driven("tasks: [{id: t, type: Log, message: '{{ missing }}'}]").run()
    for attempts in (2, 3):
        restart(run)
        assert run.state is State.FAILED
        assert run["t"].attempts == attempts


def test_a_task_at_a_worker_gets_a_further_attempt() -> None:
    run = Driven(FLOW).run({"a": State.FAILED})
    restart(run, {"a": {"n": 1}})

    assert run["a"].attempts == 2
    assert [event.epoch for event in run.of(e.TaskDispatched) if event.task_run_id == run["a"].id] == [1, 2]
    assert run["b"].state is State.SUCCESS


def test_a_restart_begins_the_retries_anew() -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2, maxDuration: PT10S}"
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, {retry}}}]").run({"t": State.FAILED})
    assert run["t"].attempts == 2
    run.pass_ms(60_000)
    restart(run, {"t": State.FAILED})

    assert run["t"].attempts == 4


def test_nested_flowables_are_opened_again_and_only_the_failed_leaf_runs() -> None:
    run = Driven("""
    tasks:
    - id: s
      type: Sequential
      tasks:
      - {id: a, type: Work, script: x}
      - id: p
        type: Parallel
        tasks:
        - {id: q, type: Sequential, tasks: [{id: b, type: Work, script: x}, {id: c, type: Work, script: x}]}
        - {id: d, type: Work, script: x}
      - {id: f, type: Work, script: x}
    """).run({"b": State.FAILED})
    assert run.states() == {"s": "FAILED", "a": "SUCCESS", "p": "FAILED", "q": "FAILED", "b": "FAILED", "d": "SUCCESS"}
    run.send(c.RestartExecution())
    assert {r.task for r in run.runs.values() if r.state is State.RUNNING} == {"s", "p", "q"}
    run.go_on()

    assert run.state is State.SUCCESS
    assert [run[name].attempts for name in "abcdf"] == [1, 2, 1, 1, 1]


def test_runs_of_handlers_are_forgotten_and_run_again_if_needed() -> None:
    source = """
    tasks:
    - id: s
      type: Sequential
      tasks: [{id: a, type: Work, script: x}]
      errors: [{id: e1, type: Sequential, tasks: [{id: e2, type: Return, format: x}]}]
      finally: [{id: f1, type: Log, message: x}]
    errors: [{id: e3, type: ForEach, values: [1], tasks: [{id: e4, type: Log, message: x}]}]
    finally: [{id: f2, type: Log, message: x}]
    afterExecution: [{id: z, type: Log, message: x}]
    """
    run = Driven(source).run({"a": State.FAILED})
    assert len(run.runs) == 9
    first = run["f1"].id
    run.send(c.RestartExecution())
    assert sorted(run.states()) == ["a", "s"]
    assert run.rows.get("o/e2") is None

    run.go_on({"a": State.FAILED})
    assert len(run.runs) == 9
    assert run["f1"].id != first
    restart(run)
    assert sorted(run.states()) == ["a", "f1", "f2", "s", "z"]
    assert run.state is State.SUCCESS


def test_what_ran_after_a_good_end_is_kept() -> None:
    run = Driven("""
    tasks:
    - {id: s, type: Sequential, tasks: [{id: a, type: Log, message: x}], finally: [{id: f, type: Log, message: x}]}
    - {id: b, type: Work, script: x}
    """).run({"b": State.FAILED})
    restart(run)

    assert run.states() == {"s": "SUCCESS", "a": "SUCCESS", "f": "SUCCESS", "b": "SUCCESS"}
    assert run["f"].attempts == 1


def test_what_was_tolerated_stays_as_it_is() -> None:
    run = Driven("""
    tasks:
    - {id: af, type: AllowFailure, tasks: [{id: ko, type: Fail}], errors: [{id: e, type: Log, message: x}]}
    - {id: s, type: Sequential, allowFailure: true, tasks: [{id: ko2, type: Fail}]}
    - {id: b, type: Work, script: x}
    """).run({"b": State.FAILED})
    restart(run)

    assert run.state is State.WARNING
    assert run["ko"].attempts == run["ko2"].attempts == run["e"].attempts == 1
    assert run["b"].attempts == 2


LOOP = """
tasks:
- id: each
  type: ForEach
  concurrencyLimit: LIMIT
  values: [a, b, c, d, e]
  tasks: [{id: t, type: Work, script: x}, {id: u, type: Work, script: x}]
- {id: z, type: Log, message: x}
"""


@pytest.mark.parametrize("limit", [1, 2, 0])
def test_of_a_loop_only_failed_indexes_run_again_and_the_rest_goes_on(limit: int) -> None:
    run = Driven(LOOP.replace("LIMIT", str(limit))).run(
        {"u": lambda job: State.FAILED if job.variables["taskrun"]["value"] == "b" else State.SUCCESS}
    )
    assert run.state is State.FAILED
    assert run["u/b"].state is State.FAILED
    restart(run)

    assert run.state is State.SUCCESS
    assert len(run.all("t")) == len(run.all("u")) == 5
    assert [r.attempts for r in run.all("t")] == [1] * 5
    assert {r.value: r.attempts for r in run.all("u")} == {"a": 1, "b": 2, "c": 1, "d": 1, "e": 1}
    assert {key[0] for key in run.rows.rows} == {"h", "i", "s", "t"}


def test_flowables_within_a_failed_iteration_are_opened_again() -> None:
    run = Driven("""
    tasks:
    - id: outer
      type: ForEach
      values: [a, b]
      concurrencyLimit: 0
      tasks:
      - id: inner
        type: ForEach
        values: [1, 2, 3]
        tasks: [{id: s, type: Sequential, tasks: [{id: t, type: Work, script: x}]}]
    """).run({"t": [State.SUCCESS, State.SUCCESS, State.FAILED, State.SUCCESS]})
    assert run.state is State.FAILED
    restart(run)

    assert run.state is State.SUCCESS
    assert sorted(r.attempts for r in run.all("t")) == [1, 1, 1, 1, 1, 2]


def test_a_dag_goes_on_where_it_stopped() -> None:
    run = Driven("""
    tasks:
    - id: dag
      type: Dag
      tasks:
      - {task: {id: a, type: Work, script: x}}
      - {task: {id: b, type: Work, script: x}, dependsOn: [a]}
      - {task: {id: c, type: Work, script: x}, dependsOn: [b]}
    """).run({"b": State.FAILED})
    assert "c" not in run.states()
    run.send(c.RestartExecution())
    assert "c" not in run.states(), "b is on its way again"
    run.go_on()

    assert run.state is State.SUCCESS
    assert [run[name].attempts for name in "abc"] == [1, 2, 1]


def test_after_a_kill_what_was_killed_runs_again() -> None:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: a, type: Work, script: x}
      - {id: b, type: Sleep, duration: PT1H}
      - {id: s, type: Sequential, tasks: [{id: c, type: Pause}, {id: d, type: Log, message: x}]}
    """).create()
    run.work({})
    run.send(c.KillExecution())
    assert run.state is State.KILLED
    run.send(c.RestartExecution())
    assert run.states() == {"p": "RUNNING", "a": "SUCCESS", "b": "RUNNING", "s": "RUNNING", "c": "PAUSED"}
    assert run.state is State.PAUSED

    run.send(c.ResumeExecution())
    run.go_on()
    assert run.state is State.SUCCESS
    assert run["c"].attempts == 2


def test_a_flowable_that_was_killed_between_two_children_goes_on_with_the_next() -> None:
    run = Driven("""
    tasks:
    - {id: s, type: Sequential, tasks: [{id: a, type: Work, script: x}, {id: b, type: Log, message: x}]}
    - {id: z, type: Log, message: x}
    """).create()
    run.send(c.PauseExecution())
    run.go_on()
    run.send(c.KillExecution())
    assert run.states() == {"s": "KILLED", "a": "SUCCESS"}
    restart(run)

    assert run.states() == {"s": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "z": "SUCCESS"}


def test_a_loop_killed_between_two_values_goes_on_with_the_next() -> None:
    run = Driven(LOOP.replace("LIMIT", "1")).create()
    run.send(c.PauseExecution())
    run.go_on()
    run.send(c.KillExecution())
    restart(run)

    assert run.state is State.SUCCESS
    assert len(run.all("u")) == 5


def test_a_cancelled_pause_waits_again() -> None:
    run = Driven("tasks: [{id: p, type: Pause, pauseDuration: PT1S, behavior: CANCEL}, {id: z, type: Log, message: x}]")
    run.run()
    assert run.state is State.CANCELLED
    run.send(c.RestartExecution())
    assert run["p"].state is State.PAUSED
    run.send(c.ResumeExecution())

    assert run.state is State.SUCCESS
    assert run.timers() == {}


def test_a_task_that_failed_below_a_pause_runs_again_there() -> None:
    run = Driven("""
    tasks:
    - id: pause
      type: Pause
      delay: PT1S
      tasks:
      - {id: c, type: Log, message: "{{ taskrun.attemptsCount == 1 ? 'ok' : ko }}"}
      - {id: d, type: Log, message: x}
    """).run()
    assert run.states() == {"pause": "FAILED", "c": "FAILED"}
    restart(run)

    assert run.states() == {"pause": "SUCCESS", "c": "SUCCESS", "d": "SUCCESS"}


def test_a_flowable_that_could_not_open_is_tried_again() -> None:
    run = Driven("""
    tasks:
    - {id: a, type: Work, script: x}
    - id: each
      type: ForEach
      values: "{{ taskrun.attemptsCount == 1 ? [1, 2] : ko }}"
      tasks: [{id: t, type: Log, message: x}]
    """).run()
    assert run.states() == {"a": "SUCCESS", "each": "FAILED"}
    restart(run)

    assert run.state is State.SUCCESS
    assert len(run.all("t")) == 2
    assert run["each"].states == [State.FAILED, State.RESTARTED, State.RUNNING, State.SUCCESS]


def test_an_execution_whose_outputs_failed_renders_them_again() -> None:
    run = Driven("""
    id: flow
    namespace: test
    tasks: [{id: a, type: Log, message: x}]
    outputs: [{id: o, type: STRING, value: "{{ execution.state == 'FAILED' ? 'x' : ko }}"}]
    """).run()
    assert run.state is State.FAILED
    restart(run)

    assert run.state is State.FAILED
    assert run["a"].attempts == 1


def test_one_that_never_began_begins() -> None:
    run = Driven("tasks: [{id: a, type: Log, message: x}]").create(schedule_ms=5_000_000)
    run.send(c.KillExecution())
    restart(run)

    assert run.state is State.SUCCESS


@pytest.mark.parametrize("state", [State.SUCCESS, State.WARNING])
def test_what_ended_well_is_not_restarted(state: State) -> None:
    run = Driven("tasks: [{id: a, type: Work, script: x}]").run({"a": state})
    (refused,) = run.send(c.RestartExecution(request="r")).events

    assert isinstance(refused, CommandRejected)
    assert refused.reason is Reason.INVALID_STATE


def test_what_runs_or_has_not_quite_ended_is_not_restarted() -> None:
    source = "tasks: [{id: a, type: Work, script: x}]\nafterExecution: [{id: z, type: Work, script: x}]"
    run = Driven(source).create()
    assert isinstance(run.send(c.RestartExecution(request="r")).events[0], CommandRejected)
    run.work({"a": State.FAILED})
    assert run.state is State.FAILED
    (refused,) = run.send(c.RestartExecution(request="r")).events

    assert isinstance(refused, CommandRejected)
    assert "tasks after the end" in refused.message


def test_another_revision_is_refused() -> None:
    run = Driven(FLOW).run()
    (refused,) = run.send(c.RestartExecution(revision=2, request="r")).events

    assert isinstance(refused, CommandRejected)
    assert refused.reason is Reason.INVALID_ARGUMENT


def test_a_kill_in_the_middle_of_a_restart_ends_it() -> None:
    run = Driven("tasks: [{id: a, type: Work, script: x}, {id: b, type: Log, message: x}]").run({"a": State.FAILED})
    run.send(c.RestartExecution())
    run.send(c.KillExecution())

    assert run.state is State.KILLED
    assert run["a"].state is State.KILLED
    restart(run)
    assert run.state is State.SUCCESS


def test_thousands_of_failed_tasks_restart_in_steps_that_fit() -> None:
    tasks = "".join(f"  - {{id: t{n}, type: Work, script: x}}\n" for n in range(1000))
    run = Driven(f"tasks:\n- id: p\n  type: Parallel\n  tasks:\n{tasks}", checked=False)
    script = {f"t{n}": [State.FAILED, State.SUCCESS] for n in range(1000)}
    run.create().fire_next()
    while run.fire_next():
        pass
    run.go_on(script)
    begun = len(run.steps)
    restart(run, script)

    assert run.state is State.SUCCESS
    assert max(len(done.events) for done in run.steps[begun + 1 :]) < 320
