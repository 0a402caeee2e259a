"""Claims, reports and losses of attempts at workers."""

from __future__ import annotations

from engine.execution import commands as c
from engine.execution import effects as f
from engine.execution import events as e
from engine.execution.decide.attempts import LOST_MAX
from engine.execution.draft import Setting
from engine.execution.job import Job
from engine.execution.step import step
from engine.values import State
from tests.engine.execution.driven import Driven

ONE = "tasks: [{id: t, type: Work, script: x}, {id: z, type: Log, message: x}]"


def test_a_claim_is_granted_once() -> None:
    run = Driven(ONE).create()
    job = run.claim("t", "w1")

    assert job is not None
    assert (job.task_run_id, job.epoch, job.task_id) == (run["t"].id, 1, "t")
    assert run["t"].state is State.RUNNING
    assert run.claim("t", "w2") is None


def test_a_repeated_claim_of_the_same_worker_is_granted_again_without_an_event() -> None:
    run = Driven(ONE).create()
    run.claim("t", "w1")
    done = run.send(c.ClaimAttempt(task_run_id=run["t"].id, epoch=1, worker_id="w1"))

    assert done.events == ()
    assert done.effects == (f.SendGrant(task_run_id=run["t"].id, epoch=1, worker_id="w1"),)


def test_claims_for_attempts_that_are_gone_are_dropped() -> None:
    run = Driven(ONE).run()
    for task_run_id, epoch in ((run["t"].id, 1), (run["t"].id, 2), ("nothing", 1)):
        done = run.send(c.ClaimAttempt(task_run_id=task_run_id, epoch=epoch, worker_id="w9"))
        assert done.events == ()
        assert done.effects == (f.SendDrop(task_run_id=task_run_id, epoch=epoch, worker_id="w9"),)


def test_a_claim_of_an_older_attempt_is_dropped() -> None:
    run = Driven(ONE).create()
    bell = run.bell("t")
    run.claim(bell, "w1")
    run.lose(bell, "w1")

    assert run.claim(bell, "w2") is None
    assert run.claim("t", "w2") is not None


def test_a_claim_is_dropped_where_the_flow_is_unknown() -> None:
    run = Driven(ONE).create()
    command = c.ClaimAttempt(task_run_id=run["t"].id, epoch=1, worker_id="w1")
    done = step(run.id, run.rows, command, run.now_ms, Setting(flow=None))

    assert done.events == ()
    assert [type(effect) for effect in done.effects] == [f.SendDrop]


def test_a_report_ends_the_attempt_and_the_next_task_runs() -> None:
    run = Driven(ONE).create()
    run.claim("t")
    run.report("t", {"n": 1})

    assert run["t"].outputs == {"n": 1}
    assert run.state is State.SUCCESS


def test_late_and_foreign_reports_change_nothing() -> None:
    run = Driven(ONE).create()
    bell = run.bell("t")
    assert run.report(bell, worker="w1").events == (), "nobody has claimed it"
    run.claim(bell, "w1")
    assert run.report(bell, worker="w2").events == (), "another worker holds it"
    run.lose(bell, "w1")
    assert run.report(bell, worker="w1").events == (), "the attempt was given up"
    run.claim("t", "w1")
    assert run.report(bell, worker="w1").events == (), "an older attempt of the same worker"
    run.report("t")
    assert run.report("t").events == (), "it has ended"
    assert run.state is State.SUCCESS


def test_an_error_of_the_worker_is_kept() -> None:
    run = Driven(ONE).run({"t": RuntimeError("exit code 3")})

    assert run["t"].error == "exit code 3"
    assert run.state is State.FAILED


def test_a_report_that_is_no_end_fails_the_attempt() -> None:
    run = Driven(ONE).create()
    run.claim("t")
    run.report("t", State.RUNNING)

    assert run["t"].state is State.FAILED
    assert run.lines("t") == [("ERROR", "Worker w1 reported the end of an attempt in state RUNNING, which is no end")]


def test_outputs_that_are_no_json_object_fail_the_attempt() -> None:
    for outputs in (b"[1]", b"{", b"\xff"):
        run = Driven(ONE).create()
        run.claim("t")
        run.send(
            c.ReportTaskEnded(
                task_run_id=run["t"].id, epoch=1, worker_id="w1", state=State.SUCCESS, outputs_json=outputs
            )
        )

        assert run["t"].state is State.FAILED
        assert run.lines("t")[0][1].startswith("Expected outputs that are a JSON object")


def test_outputs_larger_than_a_record_may_be_fail_the_attempt() -> None:
    run = Driven(ONE).run({"t": {"x": "y" * 2_100_000}})

    assert run["t"].state is State.FAILED
    assert "keep large data in storage" in run.lines("t")[0][1]


def test_a_lost_attempt_is_queued_again_under_a_new_epoch_and_says_so() -> None:
    run = Driven(ONE).create()
    run.claim("t", "w1")
    run.lose("t", "w1")

    assert run["t"].states[-2:] == [State.RESUBMITTED, State.SUBMITTED]
    assert run.lines("t") == [("WARN", "Worker w1 is gone; the task is queued again")]
    assert [event.epoch for event in run.of(e.TaskDispatched)] == [1, 2]
    run.go_on()
    assert run.state is State.SUCCESS


def test_an_attempt_that_never_began_is_queued_again_silently_whatever_the_policy() -> None:
    run = Driven(ONE, resubmit_lost=False).create()
    run.claim("t", "w1")
    run.lose("t", "w1", started=False)

    assert run["t"].state is State.SUBMITTED
    assert run.lines("t") == []


def test_a_lost_attempt_fails_where_the_policy_says_so() -> None:
    run = Driven(ONE, resubmit_lost=False).create()
    run.claim("t", "w1")
    run.lose("t", "w1")

    assert run["t"].state is State.FAILED
    assert run.lines("t") == [("ERROR", "Worker w1 is gone; the attempt counts as failed")]


def test_a_lost_attempt_that_counts_as_failed_may_be_tried_again() -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, {retry}}}]", resubmit_lost=False).create()
    run.claim("t", "w1")
    run.lose("t", "w1")
    assert run["t"].state is State.RETRYING

    run.go_on()
    assert run.state is State.SUCCESS


def test_lost_attempts_do_not_use_up_the_retries() -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    run = Driven(f"tasks: [{{id: t, type: Work, script: x, {retry}}}]").create()
    run.claim("t", "w1")
    run.lose("t", "w1")
    run.claim("t", "w2")
    run.report("t", State.FAILED, "w2")

    assert run["t"].state is State.RETRYING


def test_a_task_that_loses_every_worker_fails_in_the_end() -> None:
    run = Driven(ONE).create()
    for _ in range(LOST_MAX):
        run.claim("t", "w1")
        run.lose("t", "w1")

    assert run["t"].state is State.FAILED
    assert f"the {LOST_MAX}th that this task lost" in run["t"].error


def test_losses_of_others_and_of_ended_attempts_change_nothing() -> None:
    run = Driven(ONE).create()
    assert run.lose("t", "w1").events == ()
    run.claim("t", "w1")
    assert run.lose("t", "w2").events == ()
    run.report("t")
    assert run.lose("t", "w1").events == ()


def test_a_worker_that_never_stops_a_timed_out_task_is_told_to() -> None:
    run = Driven("tasks: [{id: t, type: Work, script: x, timeout: PT10S}]", timeout_grace_ms=5000).create()
    run.claim("t", "w1")
    assert list(run.timers().values()) == [1_015_000]
    run.pass_ms(15_000)

    assert run["t"].state is State.FAILED
    assert run.effects[-1] == f.SendCancel(task_run_id=run["t"].id, epoch=1, worker_id="w1")
    assert run.lines("t") == [("ERROR", "Timeout after 15000 ms: worker w1 didn't stop it by itself")]


def test_the_timeout_of_an_ended_attempt_is_taken_away() -> None:
    source = """tasks: [{id: t, type: Work, script: x, timeout: "{{ inputs.t }}"}]"""
    run = Driven(source, {"t": "PT10S"}).create()
    run.claim("t", "w1")
    assert len(run.timers()) == 1
    run.lose("t", "w1")
    assert run.timers() == {}
    run.claim("t", "w1")
    run.report("t")

    assert run.timers() == {}


def test_a_timeout_that_only_the_worker_can_read_is_kept_by_it_alone() -> None:
    run = Driven("""tasks: [{id: t, type: Work, script: x, timeout: "{{ kv('t') }}"}]""").create()
    run.claim("t", "w1")

    assert run.timers() == {}


def test_a_timed_out_attempt_is_tried_again() -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    run = Driven(
        f"tasks: [{{id: t, type: Work, script: x, timeout: PT10S, {retry}}}]", timeout_grace_ms=30_000
    ).create()
    run.claim("t", "w1")
    run.pass_ms(40_000)
    assert run["t"].state is State.RETRYING
    assert run.report("t").events == ()

    run.go_on()
    assert run.state is State.SUCCESS


def test_a_job_carries_of_the_installations_variables_what_its_templates_read() -> None:
    run = Driven(
        "tasks: [{id: t, type: Work, script: '{{ envs.home }}'}, {id: u, type: Work, script: x}]",
        variables={"envs": {"home": "/root"}, "globals": {"a": 1}},
    )
    jobs: dict[str, Job] = {}

    run.run({name: lambda job: jobs.update({job.task_id: job}) or {} for name in ("t", "u")})

    assert jobs["t"].variables["envs"] == {"home": "/root"}
    assert "globals" not in jobs["t"].variables
    assert not {"envs", "globals"} & set(jobs["u"].variables)
