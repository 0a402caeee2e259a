"""Templates that need the world, in tasks that only the engine can decide: a worker renders, the engine goes on."""

from __future__ import annotations

from typing import Any

import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.job import Job
from engine.tasks.render import RENDER
from engine.values import State
from tests.engine.execution.driven import Driven, Result


def renders(**kv: Any) -> Any:
    """Return a worker that knows these keys."""

    def work(job: Job) -> Result:
        if job.task_type != RENDER:
            return {"ran": job.task_id}
        rendered = []
        for text in job.properties["templates"]:
            key = next((key for key in kv if f"kv('{key}')" in text), None)
            if key is None:
                return RuntimeError(f"no key in {text}")
            rendered.append(kv[key])
        return {"rendered": rendered}

    return work


def test_a_run_if_is_rendered_by_a_worker_then_the_task_runs() -> None:
    source = (
        "tasks: [{id: t, type: Work, script: x, runIf: \"{{ kv('go') == 'yes' }}\"}, {id: z, type: Log, message: x}]"
    )
    run = Driven(source).create()
    assert run.of(e.TaskDispatched)[0].asks == "runIf"
    run.go_on({"t": renders(go="true")})

    assert run["t"].outputs == {"ran": "t"}
    assert run.state is State.SUCCESS
    assert run["t"].states == [
        State.CREATED,
        State.SUBMITTED,
        State.RUNNING,
        State.SUBMITTED,
        State.RUNNING,
        State.SUCCESS,
    ]


def test_the_job_that_only_renders_brings_the_templates_and_nothing_of_the_task() -> None:
    source = """
    tasks:
    - {id: a, type: Return, format: k}
    - {id: t, type: Work, script: "{{ outputs.a.value }}", timeout: PT5S, allowFailure: true,
       runIf: "{{ kv(outputs.a.value) == 'x' }}"}
    """
    run = Driven(source).create()
    job = run.claim("t")
    assert job is not None

    assert job.task_type == RENDER
    assert job.properties == {"templates": ["{{ kv(outputs.a.value) == 'x' }}"]}
    assert job.variables["outputs"] == {"a": {"value": "k"}}
    assert job.timeout is None
    assert not job.allow_failure
    assert run.timers() == {}, "the task's timeout isn't that of rendering"


def test_a_false_run_if_skips_the_task_whatever_it_is() -> None:
    for task in ("type: Work, script: x", "type: Log, message: x", "type: Sequential, tasks: [{id: i, type: Fail}]"):
        run = Driven(f"tasks: [{{id: t, {task}, runIf: \"{{{{ kv('go') }}}}\"}}]").run({"t": renders(go="false")})

        assert run.states() == {"t": "SKIPPED"}
        assert run.state is State.SUCCESS


def test_asking_is_no_attempt_for_templates() -> None:
    seen: list[int] = []

    def work(job: Job) -> Result:
        if job.task_type == RENDER:
            return {"rendered": ["true"]}
        seen.append(job.variables["taskrun"]["attemptsCount"])
        return State.FAILED

    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 3}"
    Driven(f"tasks: [{{id: t, type: Work, script: x, {retry}, runIf: \"{{{{ kv('go') }}}}\"}}]").run({"t": work})

    assert seen == [0, 1, 2]


@pytest.mark.parametrize(("value", "ran"), [("true", "then"), ("false", "else")])
def test_an_if_goes_on_with_what_a_worker_rendered(value: str, ran: str) -> None:
    run = Driven("""
    tasks:
    - id: if
      type: If
      condition: "{{ kv('k') == 1 }}"
      then: [{id: then, type: Log, message: x}]
      else: [{id: else, type: Log, message: x}]
    """).run({"if": renders(k=value)})

    assert run.order() == ["if", ran]
    assert run["if"].state is State.SUCCESS


def test_a_loop_over_a_file_that_a_worker_reads() -> None:
    run = Driven("""
    tasks:
    - {id: a, type: Return, format: x}
    - {id: each, type: ForEach, values: "{{ kv('k') }}", tasks: [{id: t, type: Return, format: "{{ taskrun.value }}"}]}
    """).run({"each": renders(k='["one", "{{ two }}"]')})

    assert [r.value for r in run.all("t")] == ["one", "{{ two }}"], "what comes from outside isn't rendered again"
    assert run.state is State.SUCCESS


def test_only_what_needs_the_world_is_asked_for() -> None:
    run = Driven("""
    tasks:
    - {id: each, type: ForEach, values: ["{{ kv('a') }}", "{{ flow.id }}", c], tasks: [{id: t, type: Log, message: x}]}
    """).create()
    job = run.claim("each")
    assert job is not None
    assert job.properties == {"templates": ["{{ kv('a') }}"]}

    run.report("each", {"rendered": ["A"]})
    assert [r.value for r in run.all("t")] == ["A", "flow", "c"]


def test_run_if_and_properties_are_asked_for_one_after_the_other() -> None:
    run = Driven("""
    tasks:
    - id: s
      type: Switch
      value: "{{ kv('v') }}"
      runIf: "{{ kv('go') }}"
      cases: {x: [{id: t, type: Log, message: m}]}
    """).run({"s": renders(go="true", v="x")})

    assert run.states() == {"s": "SUCCESS", "t": "SUCCESS"}
    assert [event.asks for event in run.of(e.TaskDispatched)] == ["runIf", "properties"]


def test_a_pause_and_labels_go_on_with_what_a_worker_rendered() -> None:
    run = Driven("""
    tasks:
    - {id: l, type: Labels, labels: {"{{ kv('k') }}": "{{ kv('v') }}"}}
    - {id: p, type: Pause, pauseDuration: "{{ kv('d') }}", timeout: PT1H}
    """).create()
    run.work({"l": renders(k="key", v="value")})
    assert run.header.labels["key"] == "value"
    run.work({"p": renders(d="PT5S")})
    assert run.states() == {"l": "SUCCESS", "p": "PAUSED"}
    assert run.state is State.PAUSED
    assert len(run.timers()) == 2
    assert run.claim(run.bell("p")) is None

    run.go_on()
    assert run.state is State.SUCCESS


def test_a_worker_that_cannot_render_fails_the_task_and_it_is_tried_again() -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    run = Driven(
        f"""
    tasks:
    - {{id: if, type: If, condition: "{{{{ kv('k') }}}}", {retry}, then: [{{id: t, type: Log, message: x}}]}}
    """
    )
    run.create()
    run.work({"if": RuntimeError("no such key")})
    assert run["if"].state is State.RETRYING
    assert run["if"].error == "no such key"

    run.go_on({"if": renders(k="1")})
    assert run.states() == {"if": "SUCCESS", "t": "SUCCESS"}


def test_a_failed_run_if_is_asked_again_when_it_is_tried_again() -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, {retry}, runIf: \"{{{{ kv('go') }}}}\"}}]").create()
    run.work({"t": State.FAILED})
    run.go_on({"t": renders(go="false")})

    assert run["t"].state is State.SKIPPED


def test_an_answer_that_does_not_fit_fails_the_task() -> None:
    for answer in ({"rendered": []}, {"other": 1}, {"rendered": "x"}):
        run = Driven(
            "tasks: [{id: if, type: If, condition: \"{{ kv('k') }}\", then: [{id: t, type: Log, message: x}]}]"
        )
        run.run({"if": answer})

        assert run["if"].state is State.FAILED
        assert "Expected 1 rendered templates from the worker" in run.lines("if")[0][1]


def test_an_answer_that_makes_no_sense_fails_the_flowable() -> None:
    run = Driven(
        "tasks: [{id: each, type: ForEach, values: \"{{ kv('k') }}\", tasks: [{id: t, type: Log, message: x}]}]"
    )
    run.run({"each": renders(k="nonsense")})

    assert run["each"].state is State.FAILED
    assert "expected a list or a JSON array" in run.lines("each")[0][1]


def test_a_lost_worker_is_asked_again() -> None:
    run = Driven(
        "tasks: [{id: if, type: If, condition: \"{{ kv('k') }}\", then: [{id: t, type: Log, message: x}]}]"
    ).create()
    run.claim("if", "w1")
    run.lose("if", "w1")
    assert run.of(e.TaskDispatched)[-1].asks == "properties"

    run.go_on({"if": renders(k="true")})
    assert run.state is State.SUCCESS


def test_a_kill_ends_what_is_being_rendered() -> None:
    run = Driven(
        "tasks: [{id: if, type: If, condition: \"{{ kv('k') }}\", then: [{id: t, type: Log, message: x}]}]"
    ).create()
    run.claim("if")
    run.send(c.KillExecution())
    run.report("if", {"rendered": ["true"]})

    assert run.state is State.KILLED
    assert run.states() == {"if": "KILLED"}
    assert run["if"].outputs is None


UNTIL = """
tasks:
- id: loop
  type: LoopUntil
  condition: "{{ kv('ready') == outputs.t.value }}"
  checkFrequency: {interval: PT5S}
  tasks: [{id: t, type: Return, format: "{{ outputs.loop.iterationCount }}"}]
"""


def test_the_condition_of_a_loop_is_rendered_by_a_worker_each_turn() -> None:
    ends = iter(["false", "false", "true"])
    run = Driven(UNTIL).run({"loop": lambda job: {"rendered": [next(ends)]}})

    assert run.state is State.SUCCESS
    assert len(run.all("t")) == 3
    assert run["loop"].outputs == {"iterationCount": 3}
    assert run.now_ms == 1_010_000


def test_a_condition_that_a_worker_cannot_render_fails_the_loop() -> None:
    run = Driven(UNTIL).run({"loop": RuntimeError("no such key")})

    assert run["loop"].state is State.FAILED
    assert run.lines("loop") == [("ERROR", "no such key")]
    run = Driven(UNTIL).run({"loop": {"rendered": []}})
    assert run["loop"].state is State.FAILED


def test_a_kill_before_a_condition_is_rendered_ends_the_loop_at_once() -> None:
    run = Driven(UNTIL).create()
    run.send(c.KillExecution())

    assert run.state is State.KILLED
    assert run.states() == {"loop": "KILLED", "t": "SUCCESS"}
    assert run.claim("loop") is None


@pytest.mark.parametrize("end", [State.KILLED, RuntimeError("no such key"), {"rendered": ["true"]}, None, "lost"])
def test_a_kill_while_a_condition_is_rendered_waits_for_the_worker(end: Any) -> None:
    run = Driven(UNTIL).create()
    run.claim("loop")
    run.send(c.KillExecution())
    assert run.state is State.KILLING
    assert [event.task_run_id for event in run.of(e.TaskRunKillRequested)] == [run["loop"].id]

    if end is None:
        run.go_on()
    elif end == "lost":
        run.lose("loop")
    else:
        run.report("loop", end)
    assert run.state is State.KILLED
    assert run.states() == {"loop": "KILLED", "t": "SUCCESS"}
    assert run.timers() == {}
    assert run.report("loop", {"rendered": ["true"]}).events == ()


def test_an_exit_while_a_condition_is_rendered_ends_the_loop_when_the_worker_is_done() -> None:
    run = Driven(f"""
tasks:
- id: both
  type: Parallel
  tasks:
  {UNTIL.removeprefix(chr(10)).removeprefix("tasks:").replace(chr(10), chr(10) + "  ").strip()}
  - {{id: w, type: Sleep, duration: PT1S}}
  - id: s
    type: Sequential
    tasks: [{{id: v, type: Sleep, duration: PT1S}}, {{id: x, type: Exit, state: CANCELLED}}]
""").create()
    run.claim("loop")
    run.pass_ms(2_000)
    assert run.state is State.RUNNING
    run.report("loop", {"rendered": ["false"]})

    assert run.state is State.CANCELLED
    assert len(run.all("t")) == 1


def test_a_loop_that_was_killed_while_its_condition_was_rendered_restarts() -> None:
    run = Driven(UNTIL).create()
    run.claim("loop")
    run.send(c.KillExecution())
    run.report("loop", State.KILLED)
    run.send(c.RestartExecution())
    run.go_on({"loop": {"rendered": ["true"]}})

    assert run.state is State.SUCCESS
    assert len(run.all("t")) == 1


def test_what_a_worker_hands_back_unstarted_is_asked_again() -> None:
    run = Driven(UNTIL).create()
    bell = run.bell("loop")
    run.lose(bell, started=False)
    assert run.of(e.TaskDispatched)[-1].asks == "turn"

    run.go_on({"loop": {"rendered": ["true"]}})
    assert run.state is State.SUCCESS


@pytest.mark.parametrize("setting", [{"resubmit_lost": False}, {}])
def test_a_loop_whose_workers_are_lost_again_and_again_fails(setting: dict[str, bool]) -> None:
    run = Driven(UNTIL, **setting).create()
    while run.waiting:
        run.claim("loop")
        run.lose("loop")

    assert run.state is State.FAILED
    assert run["loop"].state is State.FAILED
    assert run.timers() == {}


def test_a_lost_worker_is_asked_for_the_condition_again() -> None:
    run = Driven(UNTIL).create()
    run.claim("loop", "w1")
    run.lose("loop", "w1")
    run.go_on({"loop": {"rendered": ["true"]}})

    assert run.state is State.SUCCESS


def test_a_task_that_a_worker_can_run_whole_is_not_asked_about() -> None:
    run = Driven("tasks: [{id: t, type: Return, format: \"{{ kv('k') }}\"}]").create()
    job = run.claim("t")
    assert job is not None

    assert job.task_type.endswith("debug.Return")
