from __future__ import annotations

import pytest

from engine.execution import commands as c
from engine.values import State
from tests.engine.execution.driven import Driven


def loop(more: str = "", condition: str = "{{ outputs.out.value == '3' }}", tasks: str = "") -> str:
    return f"""
tasks:
- id: loop
  type: LoopUntil
  condition: "{condition}"
  checkFrequency: {{interval: PT10S}}
{more}
  tasks:
  - {{id: out, type: Return, format: "{{{{ outputs.loop.iterationCount }}}}"}}
{tasks}
- {{id: last, type: Return, format: "{{{{ outputs.loop.iterationCount }}}} {{{{ outputs.out.value }}}}"}}
"""


def limited(limits: str, more: str = "") -> str:
    return loop(more, "false").replace("{interval: PT10S}", "{interval: PT10S, %s}" % limits)  # noqa: UP031


def test_it_runs_its_tasks_until_the_condition_holds() -> None:
    run = Driven(loop()).run()

    assert run.state is State.SUCCESS
    assert [r.outputs for r in run.all("out")] == [{"value": "1"}, {"value": "2"}, {"value": "3"}]
    assert [r.iteration for r in run.all("out")] == [0, 1, 2]
    assert run["loop"].outputs == {"iterationCount": 3}
    assert run.value("last") == "3 3"


def test_between_two_turns_it_waits() -> None:
    run = Driven(loop()).create()
    assert len(run.all("out")) == 1
    assert list(run.timers().values()) == [run.now_ms + 10_000]
    run.pass_ms(9_999)
    assert len(run.all("out")) == 1

    run.go_on()
    assert run.now_ms == 1_020_000


def test_it_asks_every_minute_unless_told() -> None:
    run = Driven(loop().replace("  checkFrequency: {interval: PT10S}\n", "")).create()

    assert list(run.timers().values()) == [run.now_ms + 60_000]


def test_tasks_of_workers_run_again_as_new_task_runs() -> None:
    run = Driven(loop(tasks="  - {id: w, type: Work, script: x}", condition="{{ outputs.w.n == 2 }}"))
    run.run({"w": [{"n": 0}, {"n": 1}, {"n": 2}]})

    assert run.state is State.SUCCESS
    assert len({r.id for r in run.all("w")}) == 3


@pytest.mark.parametrize(("fails", "state"), [("", State.SUCCESS), ("  failOnMaxReached: true", State.FAILED)])
@pytest.mark.parametrize(
    ("limits", "turns", "says"),
    [
        ("maxIterations: 3", 3, "maxIterations (3) is reached"),
        ("maxDuration: PT25S", 3, "maxDuration (PT25S) is reached"),
        ('maxIterations: "{{ inputs.n }}"', 2, "maxIterations (2) is reached"),
    ],
)
def test_a_maximum_ends_it(limits: str, turns: int, says: str, fails: str, state: State) -> None:
    run = Driven(limited(limits, fails), {"n": 2}).run()

    assert len(run.all("out")) == turns
    assert run["loop"].state is state
    assert run["loop"].outputs == {"iterationCount": turns}
    assert run.lines("loop") == ([("ERROR", f"The condition didn't hold: {says}")] if fails else [])


def test_a_failing_task_ends_it_at_once_and_runs_its_errors() -> None:
    run = Driven(loop("  errors: [{id: e, type: Log, message: x}]", tasks="  - {id: ko, type: Fail}")).run()

    assert run.states() == {"loop": "FAILED", "out": "SUCCESS", "ko": "FAILED", "e": "SUCCESS"}


def test_reaching_a_maximum_runs_its_errors_too() -> None:
    more = "  failOnMaxReached: true\n  errors: [{id: e, type: Log, message: x}]"
    run = Driven(limited("maxIterations: 1", more)).run()

    assert run["e"].state is State.SUCCESS
    assert run.state is State.FAILED


def test_a_condition_that_cannot_be_rendered_fails_it_and_says_why() -> None:
    run = Driven(loop(condition="{{ outputs.nothing.x }}")).run()

    assert run["loop"].state is State.FAILED
    assert "nothing" in run.lines("loop")[0][1]
    assert run.state is State.FAILED


def test_finally_runs_once_at_the_end() -> None:
    run = Driven(loop("  finally: [{id: f, type: Log, message: x}]")).run()

    assert len(run.all("f")) == 1
    assert run.order()[-2:] == ["f", "last"]


def test_flowables_within_it_run_again() -> None:
    inner = "  - {id: each, type: ForEach, values: [a, b], tasks: [{id: t, type: Work, script: x}]}"
    run = Driven(loop(tasks=inner)).run()

    assert run.state is State.SUCCESS
    assert [r.value for r in run.all("t")] == ["a", "b"] * 3


def test_its_rows_do_not_grow_with_its_turns() -> None:
    inner = "  - {id: s, type: Sequential, tasks: [{id: t, type: Work, script: x}, {id: u, type: Log, message: x}]}"
    few, many = (
        Driven(loop(tasks=inner, condition=f"{{{{ outputs.out.value == '{turns}' }}}}")).run() for turns in (2, 30)
    )

    assert few.state is many.state is State.SUCCESS
    assert len(few.rows.rows) == len(many.rows.rows)


def test_without_an_interval_a_step_still_ends() -> None:
    source = loop(condition="{{ outputs.out.value == '500' }}").replace("PT10S", "PT0S")
    run = Driven(source, checked=False).run()

    assert run.state is State.SUCCESS
    assert max(len(done.events) for done in run.steps) < 320


def test_in_a_loop_each_value_has_its_own_count() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: ["1", "2"]
      concurrencyLimit: 0
      tasks:
      - id: loop
        type: LoopUntil
        condition: "{{ outputs.out[taskrun.value].value == taskrun.value }}"
        checkFrequency: {interval: PT1S}
        tasks:
        - {id: out, type: Return, format: "{{ outputs.loop[parent.taskrun.value].iterationCount }}"}
    """).run()

    assert run.state is State.SUCCESS, [r.lines for r in run.runs.values()]
    assert [(r.value, r.outputs) for r in run.all("loop")] == [
        ("1", {"iterationCount": 1}),
        ("2", {"iterationCount": 2}),
    ]


def test_a_kill_while_it_waits_ends_it() -> None:
    run = Driven(loop()).create()
    run.send(c.KillExecution())

    assert run.state is State.KILLED
    assert run["loop"].state is State.KILLED
    assert run.timers() == {}


def test_no_turn_begins_while_the_execution_is_paused() -> None:
    run = Driven(loop()).create()
    run.send(c.PauseExecution())
    run.pass_ms(60_000)
    assert len(run.all("out")) == 1

    run.send(c.ResumeExecution())
    run.go_on()
    assert run.state is State.SUCCESS


def test_a_restart_goes_on_in_the_turn_that_failed() -> None:
    run = Driven(loop(tasks="  - {id: w, type: Work, script: x}")).run({"w": [State.SUCCESS, State.FAILED]})
    assert run.state is State.FAILED
    run.send(c.RestartExecution())
    run.go_on()

    assert run.state is State.SUCCESS
    assert [r.attempts for r in run.all("w")] == [1, 2, 1]
    assert len(run.all("out")) == 3


def test_a_restart_after_its_maximum_asks_once_more() -> None:
    run = Driven(limited("maxIterations: 1", "  failOnMaxReached: true")).run()
    run.send(c.RestartExecution())

    assert run.state is State.FAILED
    assert len(run.all("out")) == 1


def test_its_older_name_is_understood() -> None:
    run = Driven(loop().replace("type: LoopUntil", "type: io.kestra.plugin.core.flow.WaitFor")).run()

    assert run.state is State.SUCCESS
