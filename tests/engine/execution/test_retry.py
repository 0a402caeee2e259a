from __future__ import annotations

import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.retry import delay_ms
from engine.flow.model import Retry
from engine.values import State
from tests.engine.execution.driven import Driven
from tests.engine.execution.family import Family

CONSTANT = "{type: constant, interval: PT5S, maxAttempts: 3}"


@pytest.mark.parametrize("task", ["type: Work, script: x", "type: Fail"])
def test_a_failed_task_is_tried_again_after_its_interval(task: str) -> None:
    run = Driven(f"tasks: [{{id: t, {task}, retry: {CONSTANT}}}]").create()
    if run.waiting:
        run.work({"t": State.FAILED})
    assert run["t"].state is State.RETRYING
    assert list(run.timers().values()) == [1_005_000]
    assert run.state is State.RUNNING

    run.go_on({"t": State.FAILED})
    assert run["t"].state is State.FAILED
    assert run["t"].attempts == 3
    assert run.now_ms == 1_010_000
    assert run.timers() == {}
    assert run.state is State.FAILED


def test_states_of_attempts_at_a_worker() -> None:
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, retry: {CONSTANT}}}]").run({"t": [State.FAILED, {}]})

    assert run["t"].states == [
        State.CREATED,
        State.SUBMITTED,
        State.RUNNING,
        State.RETRYING,
        State.SUBMITTED,
        State.RUNNING,
        State.SUCCESS,
    ]
    assert [event.epoch for event in run.of(e.TaskDispatched)] == [1, 2]


def test_templates_count_the_attempts_before() -> None:
    run = Driven("""
    tasks:
    - id: t
      type: Log
      message: "{{ taskrun.attemptsCount == 3 ? 'ok' : ko }}"
      retry: {type: constant, interval: PT0.25S, maxAttempts: 4, maxDuration: PT15S, warningOnRetry: true}
    errors: [{id: never, type: Log, message: x}]
    """).run()

    assert run["t"].attempts == 4
    assert run["t"].states[-1] is State.WARNING
    assert run.state is State.WARNING
    assert run.lines("t")[-1] == ("INFO", "ok")
    assert "never" not in run.states()


def test_a_job_counts_the_attempts_before() -> None:
    counts: list[int] = []

    def note(job: object) -> State:
        counts.append(job.variables["taskrun"]["attemptsCount"])  # type: ignore[attr-defined]
        return State.FAILED

    Driven(f"tasks: [{{id: t, type: Work, script: x, retry: {CONSTANT}}}]").run({"t": note})

    assert counts == [0, 1, 2]


def test_a_success_at_once_is_no_warning() -> None:
    retry = "{type: constant, interval: PT5S, maxAttempts: 3, warningOnRetry: true}"

    assert Driven(f"tasks: [{{id: t, type: Log, message: x, retry: {retry}}}]").run().state is State.SUCCESS
    assert Driven(f"tasks: [{{id: t, type: Work, script: x, retry: {retry}}}]").run().state is State.SUCCESS


def test_success_after_a_retry_is_no_warning_unless_asked_for() -> None:
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, retry: {CONSTANT}}}]").run({"t": [State.FAILED, {}]})

    assert run.state is State.SUCCESS


def test_exponential_intervals_double_up_to_their_maximum() -> None:
    retry = "{type: exponential, interval: PT1S, maxInterval: PT5S, maxAttempts: 5}"
    run = Driven(f"tasks: [{{id: t, type: Fail, retry: {retry}}}]").run()

    due = [event.due_ms - event.at_ms for event in run.of(e.TaskRunRetryScheduled)]
    assert due == [1000, 2000, 4000, 5000]


def test_a_delay_factor_multiplies() -> None:
    retry = Retry(kind="exponential", interval_ms=100, max_interval_ms=10_000, delay_factor=3.0)

    assert [delay_ms(retry, n, 0.0) for n in (1, 2, 3, 4, 5, 6)] == [100, 300, 900, 2700, 8100, 10_000]


def test_random_intervals_lie_between_their_bounds_and_are_the_same_on_replay() -> None:
    retry = "{type: random, minInterval: PT1S, maxInterval: PT2S, maxAttempts: 30}"
    source = f"tasks: [{{id: t, type: Fail, retry: {retry}}}]"
    one, two = Driven(source).run(), Driven(source).run()

    delays = [event.due_ms - event.at_ms for event in one.of(e.TaskRunRetryScheduled)]
    assert all(1000 <= delay < 2000 for delay in delays)
    assert len(set(delays)) > 20
    assert delays == [event.due_ms - event.at_ms for event in two.of(e.TaskRunRetryScheduled)]


def test_a_maximum_duration_ends_the_retries() -> None:
    retry = "{type: constant, interval: PT2S, maxDuration: PT6S}"
    run = Driven(f"tasks: [{{id: t, type: Fail, retry: {retry}}}]").run()

    assert run["t"].attempts == 3
    assert run.now_ms == 1_004_000


def test_a_flowable_s_retry_reaches_its_children_also_nested_ones() -> None:
    run = Driven(f"""
    tasks:
    - id: s
      type: Sequential
      retry: {CONSTANT}
      tasks:
      - {{id: t, type: Sequential, tasks: [{{id: ko, type: Fail}}]}}
    """).run()

    assert run["ko"].attempts == 3
    assert run["s"].attempts == run["t"].attempts == 1
    assert run.state is State.FAILED


def test_a_loop_s_retry_reaches_every_iteration() -> None:
    run = Driven(f"""
    tasks:
    - id: each
      type: ForEach
      concurrencyLimit: 0
      values: [0, 1]
      retry: {CONSTANT}
      tasks: [{{id: ko, type: Fail}}]
    """).run()

    assert [r.attempts for r in run.all("ko")] == [3, 3]
    assert run.state is State.FAILED


def test_a_flow_s_retry_reaches_every_task_and_the_nearest_policy_wins() -> None:
    run = Driven(f"""
    id: flow
    namespace: test
    retry: {CONSTANT}
    tasks:
    - {{id: once, type: Fail, allowFailure: true, retry: {{type: constant, interval: PT1S, maxAttempts: 1}}}}
    - {{id: three, type: Fail}}
    """).run()

    assert run["once"].attempts == 1
    assert run["three"].attempts == 3


def test_allow_failure_counts_only_when_no_attempt_is_left() -> None:
    run = Driven(f"tasks: [{{id: t, type: Fail, allowFailure: true, retry: {CONSTANT}}}]").run()

    assert run["t"].attempts == 3
    assert run.state is State.WARNING


def test_errors_wait_until_no_attempt_is_left() -> None:
    run = Driven(f"""
    tasks:
    - {{id: p, type: Parallel, tasks: [{{id: a, type: Fail, retry: {CONSTANT}}}, {{id: b, type: Fail}}]}}
    errors: [{{id: e, type: Log, message: x}}]
    """).create()
    assert run.states() == {"p": "RUNNING", "a": "RETRYING", "b": "FAILED"}

    run.go_on()
    assert run.order() == ["p", "a", "b", "e"]


def test_attempts_of_siblings_do_not_count_for_each_other() -> None:
    run = Driven(f"""
    tasks:
    - id: p
      type: Parallel
      retry: {CONSTANT}
      tasks: [{{id: a, type: Work, script: x}}, {{id: b, type: Work, script: x}}]
    """).run({"a": [State.FAILED, State.SUCCESS], "b": [State.FAILED, State.FAILED, State.SUCCESS]})

    assert run.state is State.SUCCESS
    assert (run["a"].attempts, run["b"].attempts) == (2, 3)


NEW = "{type: constant, interval: PT5S, maxAttempts: 3, behavior: CREATE_NEW_EXECUTION}"
FLOW = "id: flow\nnamespace: test\ninputs: [{id: i, type: STRING, defaults: x}]\ntasks: "


@pytest.mark.parametrize("task", ["type: Fail", "type: Work, script: x"])
@pytest.mark.parametrize("twice", [False, True])
def test_a_retry_may_be_a_new_execution(task: str, twice: bool) -> None:
    family = Family(f"{FLOW}[{{id: t, {task}, retry: {NEW}}}, {{id: never, type: Log, message: x}}]", twice=twice)
    family.run({"t": State.FAILED})
    first, *others = [family.parent, *family.children]

    assert [each.state for each in (first, *others)] == [State.RETRIED, State.RETRIED, State.FAILED]
    assert [each["t"].state for each in (first, *others)] == [State.RETRIED, State.RETRIED, State.FAILED]
    assert {each.header.original_id for each in others} == {first.id}
    assert [each.header.parent_id for each in others] == [first.id, others[0].id]
    assert [each.of(e.ExecutionCreated)[0].inputs_json for each in others] == [b'{"i":"x"}'] * 2
    assert others[1].of(e.ExecutionStateChanged)[0].at_ms - first.of(e.ExecutionCreated)[0].at_ms == 10_000


def test_new_executions_end_with_the_time_since_the_first() -> None:
    retry = "{type: constant, interval: PT2S, maxDuration: PT6S, behavior: CREATE_NEW_EXECUTION}"
    family = Family(f"{FLOW}[{{id: t, type: Fail}}]\nretry: {retry}\n").run()

    assert [each.state for each in family.children] == [State.RETRIED, State.FAILED]


def test_what_runs_beside_the_task_that_failed_is_not_waited_for_for_ever() -> None:
    family = Family(
        f"{FLOW}[{{id: p, type: Parallel, tasks: [{{id: nap, type: Sleep, duration: PT1H}}, "
        f"{{id: s, type: Sequential, tasks: [{{id: t, type: Fail, retry: {NEW}}}]}}]}}]"
    ).run()

    assert family.parent.states() == {"p": "RETRIED", "nap": "KILLED", "s": "RETRIED", "t": "RETRIED"}
    assert family.parent.header.settled
    assert [each.state for each in family.children] == [State.RETRIED, State.FAILED]


def test_a_caller_hears_of_the_last_try_only() -> None:
    child = f"id: child\nnamespace: test\ntasks: [{{id: w, type: Work, script: x, retry: {NEW}}}]\n"
    family = Family(
        "id: parent\nnamespace: test\ntasks: [{id: call, type: Subflow, namespace: test, flowId: child}]\n", child
    ).run({"w": [State.FAILED, State.FAILED, State.SUCCESS]})

    assert [each.state for each in family.children] == [State.RETRIED, State.RETRIED, State.SUCCESS]
    assert family.parent["call"].outputs == {"executionId": family.children[2].id, "state": "SUCCESS"}
    assert family.parent.state is State.SUCCESS


def test_a_failure_of_a_handler_makes_no_new_execution() -> None:
    family = Family(
        f"{FLOW}[{{id: t, type: Fail, retry: {{type: constant, interval: PT1S, maxAttempts: 1}}}}]\n"
        f"errors: [{{id: h, type: Fail}}]\nretry: {NEW}\n"
    ).run()

    assert family.children == []
    assert family.parent.state is State.FAILED


def test_a_retry_does_not_begin_while_the_execution_is_paused() -> None:
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, retry: {CONSTANT}}}]").create()
    run.work({"t": State.FAILED})
    run.send(c.PauseExecution())
    run.pass_ms(60_000)
    assert run["t"].state is State.RETRYING

    run.send(c.ResumeExecution())
    assert run["t"].state is State.RETRYING
    run.go_on()
    assert run["t"].state is State.SUCCESS
    assert run.state is State.SUCCESS


def test_a_flowable_that_cannot_open_is_not_tried_again() -> None:
    run = Driven(f"""
    tasks:
    - {{id: each, type: ForEach, values: none, retry: {CONSTANT}, tasks: [{{id: t, type: Log, message: x}}]}}
    """).run()

    assert run.states() == {"each": "FAILED"}
    assert run.now_ms == 1_000_000
