from __future__ import annotations

from typing import Any

import pytest

from engine.execution import commands as c
from engine.execution import effects as f
from engine.execution import events as e
from engine.execution.job import Job
from engine.values import State
from tests.engine.execution.driven import Driven, Result

WORKING_DIRECTORY = "io.kestra.plugin.core.flow.WorkingDirectory"


def folder(more: str = "", tasks: str = "", after: str = "") -> str:
    return f"""
tasks:
- id: wd
  type: {WORKING_DIRECTORY}
{more}
  tasks:
  - {{id: a, type: Work, script: x}}
  - {{id: b, type: Return, format: "{{{{ outputs.a.n }}}}"}}
  - {{id: d, type: Work, script: x}}
{tasks}
{after}
"""


PREPARED = '  inputFiles: {in.txt: "{{ execution.id }}"}'
COLLECTED = '  outputFiles: ["{{ outputs.a.name }}.txt"]'
LAST = "- {id: last, type: Return, format: \"{{ outputs.wd.outputFiles['x.txt'] }}\"}"
KEPT = {"outputFiles": {"x.txt": "kestra:///x.txt"}}
GOOD: dict[str, Any] = {"a": {"n": 1, "name": "x"}, "wd": lambda job: KEPT if job.asks == "collect" else {}}


def asked(run: Driven) -> list[str]:
    """Return what the flowable's workers were asked for."""
    return [event.asks for event in run.of(e.TaskDispatched) if event.task_run_id == run["wd"].id]


def discarded(run: Driven) -> list[str]:
    return [effect.folder for effect in run.effects if isinstance(effect, f.DiscardFolder)]


def test_its_tasks_run_one_after_the_other_in_one_folder() -> None:
    jobs: list[Job] = []

    def work(job: Job) -> Result:
        jobs.append(job)
        return {"n": 1}

    run = Driven(folder()).run({"a": work, "d": work})

    assert run.state is State.SUCCESS
    assert run.order() == ["wd", "a", "b", "d"]
    assert [job.task_id for job in jobs] == ["a", "d"]
    assert {job.folder for job in jobs} == {run["wd"].id}
    assert {job.folder_since_ms for job in jobs} == {1_000_000}
    assert [job.variables["workerTaskrun"]["id"] for job in jobs] == [run["wd"].id] * 2


def test_where_there_is_nothing_to_prepare_or_to_collect_no_worker_is_asked() -> None:
    run = Driven(folder("  inputFiles: {}\n  outputFiles: []")).run(GOOD)

    assert asked(run) == []
    assert run["wd"].attempts == 1
    assert discarded(run) == [run["wd"].id]


def test_a_folder_that_no_worker_has_seen_need_not_be_removed() -> None:
    run = Driven(f"tasks: [{{id: wd, type: {WORKING_DIRECTORY}, tasks: [{{id: l, type: Log, message: x}}]}}]").run()

    assert run.state is State.SUCCESS
    assert discarded(run) == []


def test_a_worker_prepares_the_folder_before_the_first_task() -> None:
    run = Driven(folder(PREPARED)).create()
    assert run.states() == {"wd": "SUBMITTED"}
    job = run.claim("wd")
    assert job is not None
    assert (job.asks, job.task_type, job.folder) == ("prepare", WORKING_DIRECTORY, run["wd"].id)
    assert job.properties == {"inputFiles": {"in.txt": "{{ execution.id }}"}}
    assert job.folder_since_ms == 0

    run.report("wd")
    run.go_on(GOOD)
    assert run.state is State.SUCCESS
    assert asked(run) == ["prepare"]


def test_a_worker_collects_after_the_last_task_with_what_the_tasks_came_to() -> None:
    jobs: list[Job] = []

    def work(job: Job) -> Result:
        jobs.append(job)
        return KEPT

    run = Driven(folder(COLLECTED, after=LAST)).run({**GOOD, "wd": work})

    assert run.state is State.SUCCESS
    assert [job.asks for job in jobs] == ["collect"]
    assert jobs[0].variables["outputs"] == {"a": {"name": "x"}}
    assert run["wd"].outputs == KEPT
    assert run.value("last") == "kestra:///x.txt"


def test_a_cache_needs_both() -> None:
    jobs: list[Job] = []
    more = "  cache: {patterns: ['x/**']}\n" + COLLECTED
    run = Driven(folder(more)).run({"a": {"n": 1, "name": "x"}, "wd": lambda job: jobs.append(job) or {}})

    assert run.state is State.SUCCESS
    assert [(job.asks, sorted(job.properties)) for job in jobs] == [
        ("prepare", ["cache"]),
        ("collect", ["cache", "outputFiles"]),
    ]


def test_a_failing_task_ends_it_runs_its_errors_elsewhere_and_what_there_is_is_kept() -> None:
    jobs: list[Job] = []

    def note(job: Job) -> Result:
        jobs.append(job)
        return {}

    more = COLLECTED + "\n  errors: [{id: e, type: Work, script: x}]\n  finally: [{id: g, type: Work, script: x}]"
    script = {**GOOD, "d": State.FAILED, "e": note, "g": note}
    run = Driven(folder(more, after=LAST)).run(script)

    assert run.states() == {
        "wd": "FAILED",
        "a": "SUCCESS",
        "b": "SUCCESS",
        "d": "FAILED",
        "e": "SUCCESS",
        "g": "SUCCESS",
    }
    assert [job.folder for job in jobs] == ["", ""]
    assert run["wd"].outputs == KEPT
    assert run.state is State.FAILED
    assert discarded(run) == []


def test_a_restart_goes_on_in_the_same_folder() -> None:
    run = Driven(folder(PREPARED + "\n" + COLLECTED, after=LAST)).run({**GOOD, "d": State.FAILED})
    assert run.state is State.FAILED
    jobs: list[Job] = []
    run.send(c.RestartExecution())
    run.go_on({**GOOD, "d": lambda job: jobs.append(job) or {}})

    assert run.state is State.SUCCESS
    assert asked(run) == ["prepare", "collect", "collect"]
    assert [job.folder for job in jobs] == [run["wd"].id]
    assert len(run.all("a")) == 1
    assert run.value("last") == "kestra:///x.txt"
    assert discarded(run) == [run["wd"].id]


def test_a_folder_that_cannot_be_prepared_fails_it_before_any_task() -> None:
    run = Driven(folder(PREPARED + "\n  errors: [{id: e, type: Log, message: x}]")).run({"wd": RuntimeError("full")})

    assert run.states() == {"wd": "FAILED"}
    assert run["wd"].error == "full"
    run.send(c.RestartExecution())
    run.go_on(GOOD)
    assert run.state is State.SUCCESS
    assert asked(run) == ["prepare", "prepare"]


def test_preparing_is_tried_again_as_its_retry_says() -> None:
    more = PREPARED + "\n  retry: {type: constant, interval: PT5S, maxAttempts: 2}"
    run = Driven(folder(more)).run({**GOOD, "wd": [RuntimeError("full"), {}]})

    assert run.state is State.SUCCESS
    assert asked(run) == ["prepare", "prepare"]


def test_files_that_cannot_be_kept_fail_it_and_a_restart_tries_once_more() -> None:
    run = Driven(folder(COLLECTED, after=LAST)).run({**GOOD, "wd": RuntimeError("too many")})
    assert run.states() == {"wd": "FAILED", "a": "SUCCESS", "b": "SUCCESS", "d": "SUCCESS"}
    assert run["wd"].error == "too many"
    assert discarded(run) == []

    run.send(c.RestartExecution())
    run.go_on(GOOD)
    assert run.state is State.SUCCESS
    assert (len(run.all("a")), len(run.all("d"))) == (1, 1)


def test_what_a_worker_says_of_its_files_must_be_outputs() -> None:
    run = Driven(folder(COLLECTED)).create()
    run.go_on({**GOOD, "wd": {"outputFiles": "x" * 3_000_000}})

    assert run["wd"].state is State.FAILED
    assert "Expected outputs of at most" in run["wd"].error


@pytest.mark.parametrize(("more", "state"), [("  allowFailure: true", State.WARNING), ("", State.FAILED)])
def test_a_folder_is_of_no_use_any_more_unless_a_restart_comes_back_to_it(more: str, state: State) -> None:
    run = Driven(folder(more)).run({**GOOD, "d": State.FAILED})

    assert run["wd"].state is state
    assert discarded(run) == ([run["wd"].id] if state is State.WARNING else [])


def until(asks: str) -> Driven:
    """Return an execution whose flowable waits for a worker."""
    run = Driven(folder(PREPARED + "\n" + COLLECTED, after=LAST)).create()
    while asked(run)[-1] != asks:
        run.work(GOOD)
    return run


@pytest.mark.parametrize("asks", ["prepare", "collect"])
def test_a_lost_worker_is_asked_again(asks: str) -> None:
    run = until(asks)
    run.claim("wd", "w1")
    run.lose("wd", "w1")
    assert asked(run)[-2:] == [asks, asks]

    run.go_on(GOOD)
    assert run.state is State.SUCCESS
    assert run.value("last") == "kestra:///x.txt"


@pytest.mark.parametrize("asks", ["prepare", "collect"])
def test_workers_that_are_lost_again_and_again_fail_it(asks: str) -> None:
    run = until(asks)
    while run.waiting:
        run.claim("wd")
        run.lose("wd")

    assert run["wd"].state is State.FAILED
    assert run.state is State.FAILED
    assert len(asked(run)) < 10


@pytest.mark.parametrize("asks", ["prepare", "collect"])
def test_a_kill_before_a_worker_has_begun_ends_it_at_once(asks: str) -> None:
    run = until(asks)
    run.send(c.KillExecution())

    assert run.state is State.KILLED
    assert run["wd"].state is State.KILLED
    assert run.claim("wd") is None


@pytest.mark.parametrize("asks", ["prepare", "collect"])
@pytest.mark.parametrize("end", [State.KILLED, State.SUCCESS, RuntimeError("oh"), "lost", "silent"])
def test_a_kill_waits_for_the_worker_and_a_restart_asks_again(asks: str, end: Any) -> None:
    run = until(asks)
    run.claim("wd")
    run.send(c.KillExecution())
    assert run.state is State.KILLING
    assert len(run.of(e.TaskRunKillRequested)) == 1
    if end == "lost":
        run.lose("wd")
    elif end == "silent":
        run.go_on()
    else:
        run.report("wd", end)
    assert run.state is State.KILLED
    assert run["wd"].state is State.KILLED
    assert (run.timers(), discarded(run)) == ({}, [])

    run.send(c.RestartExecution())
    run.go_on(GOOD)
    assert run.state is State.SUCCESS
    assert asked(run) == ["prepare"] * (2 if asks == "prepare" else 1) + ["collect"] * (2 if asks == "collect" else 1)
    assert len(run.all("a")) == 1


@pytest.mark.parametrize("claimed", [True, False])
def test_a_kill_after_the_end_stops_what_is_asked_then(claimed: bool) -> None:
    run = Driven(f"""
    tasks: [{{id: t, type: Log, message: x}}]
    afterExecution:
    - {{id: wd, type: {WORKING_DIRECTORY}, outputFiles: ["*"], tasks: [{{id: a, type: Work, script: x}}]}}
    """).create()
    run.work(GOOD)
    assert asked(run) == ["collect"]
    if claimed:
        run.claim("wd")
    run.send(c.KillExecution())
    if claimed:
        assert not run.header.settled
        run.report("wd", State.KILLED)

    assert run["wd"].state is State.KILLED
    assert run.header.settled
    assert run.state is State.SUCCESS
    assert run.timers() == {}


def test_a_kill_while_a_task_runs_keeps_the_folder() -> None:
    run = Driven(folder()).create()
    run.claim("a")
    run.send(c.KillExecution())
    run.report("a", State.KILLED)

    assert run.states() == {"wd": "KILLED", "a": "KILLED"}
    assert discarded(run) == []


def test_an_exit_waits_for_files_that_are_being_kept() -> None:
    run = Driven(f"""
    tasks:
    - id: both
      type: Parallel
      tasks:
      - {{id: wd, type: {WORKING_DIRECTORY}, outputFiles: ["*"], tasks: [{{id: a, type: Work, script: x}}]}}
      - {{id: s, type: Sequential, tasks: [{{id: v, type: Sleep, duration: PT1S}}, {{id: x, type: Exit}}]}}
    """).create()
    while asked(run) != ["collect"]:
        run.work(GOOD)
    run.claim("wd")
    run.pass_ms(2_000)
    assert run.state is State.RUNNING

    run.report("wd", KEPT)
    assert run.state is State.SUCCESS
    assert run["wd"].outputs == KEPT


def test_while_a_person_holds_the_execution_what_is_kept_counts_and_nothing_follows() -> None:
    run = until("collect")
    run.claim("wd")
    run.send(c.PauseExecution())
    run.report("wd", KEPT)
    assert run["wd"].state is State.SUCCESS
    assert run.all("last") == []

    run.send(c.ResumeExecution())
    assert run.state is State.SUCCESS


def test_a_resumption_does_not_ask_twice() -> None:
    run = until("collect")
    run.send(c.PauseExecution())
    run.send(c.ResumeExecution())

    assert asked(run) == ["prepare", "collect"]


def test_in_a_loop_each_value_has_a_folder_of_its_own() -> None:
    jobs: list[Job] = []
    run = Driven(f"""
    tasks:
    - id: each
      type: ForEach
      values: ["1", "2"]
      concurrencyLimit: 0
      tasks:
      - id: wd
        type: {WORKING_DIRECTORY}
        outputFiles: ["*"]
        tasks:
        - {{id: a, type: Work, script: x}}
        - id: b
          type: Return
          format: "{{{{ parent.taskrun.value }}}} {{{{ workerTaskrun.value }}}} {{{{ taskrun.value }}}}"
    """).run({"a": lambda job: jobs.append(job) or {}, "wd": KEPT})

    assert run.state is State.SUCCESS
    assert {job.folder for job in jobs} == {each.id for each in run.all("wd")}
    assert [each.outputs for each in run.all("b")] == [{"value": "1 1 1"}, {"value": "2 2 2"}]
    assert [each.value for each in run.all("b")] == [None, None]
    assert [each.outputs for each in run.all("wd")] == [KEPT, KEPT]
    assert sorted(discarded(run)) == sorted(each.id for each in run.all("wd"))


def test_each_turn_of_a_loop_has_a_folder_of_its_own() -> None:
    folders: list[str] = []
    run = Driven(f"""
    tasks:
    - id: loop
      type: LoopUntil
      condition: "{{{{ outputs.loop.iterationCount == 2 }}}}"
      checkFrequency: {{interval: PT1S}}
      tasks:
      - {{id: wd, type: {WORKING_DIRECTORY}, tasks: [{{id: a, type: Work, script: x}}]}}
    """).run({"a": lambda job: folders.append(job.folder) or {}})

    assert run.state is State.SUCCESS
    assert len(set(folders)) == 2
    assert discarded(run) == folders


def test_a_task_that_is_tried_again_finds_the_same_folder() -> None:
    jobs: list[Job] = []

    def flaky(job: Job) -> Result:
        jobs.append(job)
        return State.FAILED if job.epoch == 1 else {}

    more = "  - {id: r, type: Work, script: x, retry: {type: constant, interval: PT1S, maxAttempts: 2}}"
    run = Driven(folder(tasks=more)).run({**GOOD, "r": flaky})

    assert run.state is State.SUCCESS
    assert [(job.epoch, job.folder) for job in jobs] == [(1, run["wd"].id), (2, run["wd"].id)]


def test_run_if_and_disabled_hold_within_it() -> None:
    tasks = """
  - {id: r, type: Work, script: x, runIf: "{{ outputs.a.n == 2 }}"}
  - {id: s, type: Work, script: x, disabled: true}
"""
    run = Driven(folder(PREPARED, tasks=tasks)).run(GOOD)

    assert run.states() == {"wd": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "d": "SUCCESS", "r": "SKIPPED"}


def test_one_that_is_not_to_run_is_not_prepared() -> None:
    run = Driven(folder(PREPARED + '\n  runIf: "false"')).run()

    assert run.states() == {"wd": "SKIPPED"}
    assert asked(run) == []


def test_a_job_of_any_other_task_shares_no_folder() -> None:
    run = Driven("tasks: [{id: s, type: Sequential, tasks: [{id: a, type: Work, script: x}]}]").create()
    job = run.claim("a")

    assert job is not None and (job.folder, job.asks, "workerTaskrun" in job.variables) == ("", "", False)


@pytest.mark.parametrize("name", ["Worker", "WorkingDirectory"])
def test_its_older_names_are_understood(name: str) -> None:
    run = Driven(folder(PREPARED).replace(WORKING_DIRECTORY, f"io.kestra.core.tasks.flows.{name}")).run(GOOD)

    assert run.state is State.SUCCESS
    assert asked(run) == ["prepare"]
