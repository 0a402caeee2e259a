from __future__ import annotations

import pytest

from engine.errors import Reason
from engine.execution import commands as c
from engine.execution import events as e
from engine.machine import CommandRejected
from engine.values import State
from tests.engine.execution.driven import Driven

FLOW = """
tasks:
- {id: pause, type: Pause}
- {id: last, type: Return, format: "{{ outputs.pause.onResume.asked ?? 'nothing' }}"}
"""


def timed(more: str) -> str:
    return FLOW.replace("type: Pause}", f"type: Pause, {more}}}")


def test_it_waits_for_somebody() -> None:
    run = Driven(FLOW).run()

    assert run.state is State.PAUSED
    assert run.states() == {"pause": "PAUSED"}
    assert run.timers() == {}


def test_resuming_goes_on_with_what_was_entered() -> None:
    run = Driven(FLOW).run()
    run.send(c.ResumeExecution(inputs_json=b'{"asked": "yes"}'))

    assert run.state is State.SUCCESS
    assert run["pause"].outputs == {"onResume": {"asked": "yes"}}
    assert run.value("last") == "yes"
    assert run.history == [State.CREATED, State.RUNNING, State.PAUSED, State.RUNNING, State.SUCCESS]


def test_resuming_without_inputs_leaves_no_outputs() -> None:
    run = Driven(FLOW).run()
    run.send(c.ResumeExecution())

    assert run.value("last") == "nothing"


def test_resuming_what_is_not_paused_is_refused() -> None:
    run = Driven(FLOW).run()
    run.send(c.ResumeExecution())
    (refused,) = run.send(c.ResumeExecution(request="r")).events

    assert isinstance(refused, CommandRejected)
    assert refused.reason is Reason.INVALID_STATE
    assert run.send(c.ResumeExecution()).events == ()


def test_a_duration_resumes_it() -> None:
    run = Driven(timed("pauseDuration: PT1S")).create()
    assert run.state is State.PAUSED
    run.pass_ms(999)
    assert run.state is State.PAUSED

    run.pass_ms(1)
    assert run.state is State.SUCCESS
    assert run["pause"].state is State.SUCCESS


def test_the_older_delay_may_be_a_template() -> None:
    run = Driven(timed('delay: "{{ inputs.d }}"'), {"d": "PT2S"}).create()

    assert list(run.timers().values()) == [run.now_ms + 2000]


@pytest.mark.parametrize(
    ("behavior", "task", "execution"),
    [
        ("RESUME", State.SUCCESS, State.SUCCESS),
        ("WARN", State.WARNING, State.WARNING),
        ("FAIL", State.FAILED, State.FAILED),
        ("CANCEL", State.CANCELLED, State.CANCELLED),
    ],
)
def test_the_behavior_says_what_the_end_of_the_duration_means(behavior: str, task: State, execution: State) -> None:
    run = Driven(timed(f"pauseDuration: PT1S, behavior: {behavior}")).run()

    assert run["pause"].state is task
    assert run.state is execution


def test_resuming_by_hand_is_a_success_whatever_the_behavior() -> None:
    run = Driven(timed("pauseDuration: PT1S, behavior: FAIL")).create()
    run.send(c.ResumeExecution())

    assert run.state is State.SUCCESS
    assert run.timers() == {}


def test_a_timeout_fails_it_and_says_so() -> None:
    run = Driven(timed("timeout: PT1S")).run()

    assert run["pause"].states == [State.PAUSED, State.FAILED]
    assert run.lines("pause") == [("ERROR", "Timeout after 1000 ms")]
    assert run.state is State.FAILED
    assert run.history[-3:] == [State.PAUSED, State.RUNNING, State.FAILED]


def test_a_tolerated_timeout_is_a_warning() -> None:
    run = Driven(timed("timeout: PT1S, allowFailure: true")).run()

    assert run["pause"].state is State.WARNING
    assert run.state is State.WARNING


def test_a_timeout_is_not_tried_again() -> None:
    run = Driven(timed("timeout: PT1S, retry: {type: constant, interval: PT1S, maxAttempts: 3}")).run()

    assert run["pause"].state is State.FAILED
    assert run["pause"].attempts == 1


def test_its_older_children_run_after_it() -> None:
    source = timed("delay: PT1S, tasks: [{id: a, type: Log, message: x}, {id: b, type: Work, script: x}]")
    run = Driven(source).create()
    assert run.states() == {"pause": "PAUSED"}

    run.pass_ms(1000)
    assert run.states() == {"pause": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "last": "SUCCESS"}
    assert run["a"].parent == run["pause"].id
    assert run["pause"].states == [State.PAUSED, State.RUNNING, State.SUCCESS]


def test_children_read_what_was_entered() -> None:
    run = Driven(timed('tasks: [{id: a, type: Return, format: "{{ outputs.pause.onResume.asked }}"}]')).run()
    run.send(c.ResumeExecution(inputs_json=b'{"asked": "yes"}'))

    assert run.value("a") == "yes"


def test_siblings_in_a_parallel_go_on_while_the_execution_shows_paused() -> None:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: pause, type: Pause}
      - {id: s, type: Sequential, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}
    """).run()
    assert run.states() == {"p": "RUNNING", "pause": "PAUSED", "s": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS"}
    assert run.state is State.PAUSED

    run.send(c.ResumeExecution())
    assert run.state is State.SUCCESS


def test_the_execution_stays_paused_until_the_last_pause_ends() -> None:
    run = Driven("""
    tasks:
    - {id: p, type: Parallel, tasks: [{id: a, type: Pause}, {id: b, type: Pause, delay: PT5S}]}
    """).create()
    run.send(c.ResumeExecution())
    assert run.states() == {"p": "RUNNING", "a": "SUCCESS", "b": "PAUSED"}
    assert run.state is State.PAUSED

    run.go_on()
    assert run.state is State.SUCCESS


def test_a_certain_task_run_may_be_resumed() -> None:
    run = Driven("""
    tasks:
    - {id: p, type: Parallel, tasks: [{id: a, type: Pause}, {id: b, type: Pause}]}
    """).create()
    run.send(c.ResumeExecution(task_run_id=run["b"].id))

    assert run.states() == {"p": "RUNNING", "a": "PAUSED", "b": "SUCCESS"}


def test_the_one_that_waits_longest_is_resumed_first() -> None:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: s, type: Sequential, tasks: [{id: wait, type: Sleep, duration: PT1S}, {id: late, type: Pause}]}
      - {id: early, type: Pause}
    """).run()
    run.send(c.ResumeExecution())

    assert run["early"].state is State.SUCCESS
    assert run["late"].state is State.PAUSED


def test_pauses_in_a_loop_run_side_by_side() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: EachParallel
      value: [a, b, c]
      tasks: [{id: pause, type: Pause, delay: PT1S, tasks: [{id: log, type: Log, message: x}]}]
    """).create()
    assert len(run.timers()) == 3

    run.pass_ms(1000)
    assert run.state is State.SUCCESS
    assert len(run.runs) == 7


def test_a_duration_that_is_none_fails_it() -> None:
    run = Driven(timed('pauseDuration: "{{ inputs.d }}"'), {"d": "soon"}).run()

    assert run.states() == {"pause": "FAILED"}
    assert run.lines("pause")[0][1].startswith("Expected a duration such as PT30S")


def test_a_negative_duration_is_none() -> None:
    assert Driven(timed('pauseDuration: "{{ inputs.d }}"'), {"d": "-PT5S"}).run().state is State.SUCCESS


def test_a_resumed_pause_leaves_no_timer() -> None:
    run = Driven(timed("pauseDuration: PT1H, timeout: PT2H")).create()
    assert len(run.timers()) == 2
    run.send(c.ResumeExecution())

    assert run.timers() == {}
    assert [type(event) for event in run.steps[-1].events[:2]] == [e.TimerCleared, e.TimerCleared]
