"""The worker protocol, driven step by step on the log in memory, with a clock that the test moves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from engine.execution.job import Job
from engine.values import State
from tests.worker.executors import EXECUTION, TASK_RUN, FakeExecutor, job
from topics import catalog
from topics.embedded.faults import FaultRates, Faults
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from topics.messages import Heartbeat, WorkerLeaving
from topics.ports import Ack, LogError
from worker.loop import Worker
from worker.ports import AttemptKey, Ended, WorkerSettings

ME = "worker-1"
KEY: AttemptKey = (EXECUTION, TASK_RUN, 1)


class FakeClock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return int(self.now * 1000)


class FakeRunner:
    def __init__(self) -> None:
        self.started: list[AttemptKey] = []
        self.killed: list[tuple[AttemptKey, bool]] = []
        self.over: list[Ended] = []
        self.discarded: list[str] = []

    def start(self, key: AttemptKey, job: Job) -> None:
        self.started.append(key)

    def kill(self, key: AttemptKey, *, at_once: bool) -> None:
        self.killed.append((key, at_once))

    def discard(self, folder: str) -> None:
        self.discarded.append(folder)

    def ended(self) -> list[Ended]:
        over, self.over = self.over, []
        return over

    def end(self, key: AttemptKey = KEY, state: State = State.SUCCESS, **given: Any) -> None:
        self.over.append(Ended(key, state, **given))


class Scene:
    """A worker, its executor, and what lies between."""

    def __init__(self, faults: FaultRates | None = None, **settings: Any) -> None:
        self.log = MemoryLog(catalog_partitions(3), faults=Faults(1, faults or FaultRates()))
        self.clock = FakeClock()
        self.runner = FakeRunner()
        self.executor = FakeExecutor(self.log)
        self.settings = WorkerSettings(worker_id=ME, **settings)
        self.worker = Worker(self.log, self.settings, self.runner, self.clock)

    def later(self, seconds: float) -> None:
        """Let time pass in small steps, so that what is due in between happens."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now = min(max(self.worker.next_due(), self.clock.now + 0.001), until)
            self.worker.run_once()

    def settle(self) -> None:
        """Let everything that needs no time happen."""
        for _ in range(4):
            self.worker.run_once()

    def running(self, wanted: Job | None = None) -> Job:
        """Bring an attempt to the point where it runs."""
        wanted = wanted or job()
        self.executor.ring(wanted)
        self.worker.run_once()
        self.executor.grant(wanted, ME)
        self.worker.run_once()
        return wanted


def test_a_doorbell_is_claimed_and_runs_only_when_granted() -> None:
    scene = Scene()
    scene.executor.ring(job())
    scene.worker.run_once()

    claim = scene.executor.claims[0]
    assert (claim.task_run_id, claim.epoch, claim.worker_id) == (TASK_RUN, 1, ME)
    assert scene.runner.started == []

    scene.executor.grant(job(), ME)
    scene.worker.run_once()
    assert scene.runner.started == [KEY]


def test_an_end_is_reported_with_its_outputs_and_frees_the_slot() -> None:
    scene = Scene(slots=1)
    scene.running()
    assert scene.worker.free_slots == 0

    scene.runner.end(outputs_json=b'{"value":"x"}')
    scene.worker.run_once()

    (report,) = scene.executor.reports
    assert (report.state, report.outputs_json, report.epoch) == (State.SUCCESS, b'{"value":"x"}', 1)
    assert scene.worker.busy == 0


def test_no_more_doorbells_are_taken_than_slots_are_free() -> None:
    scene = Scene(slots=2)
    for number in range(5):
        scene.executor.ring(job(task_run_id=f"run-{number}"))
    scene.worker.run_once()
    scene.worker.run_once()

    assert len(scene.executor.claims) == 2


def test_a_grant_that_comes_twice_starts_nothing_twice() -> None:
    scene = Scene()
    wanted = scene.running()
    scene.executor.grant(wanted, ME)
    scene.worker.run_once()
    scene.runner.end()
    scene.worker.run_once()
    scene.executor.grant(wanted, ME)
    scene.worker.run_once()

    assert scene.runner.started == [KEY]


def test_a_grant_after_the_acknowledged_report_is_handed_back_behind_the_report() -> None:
    scene = Scene()
    wanted = scene.running()
    scene.runner.end()
    scene.worker.run_once()
    scene.worker.run_once()
    scene.executor.grant(wanted, ME)
    scene.worker.run_once()

    scene.executor.look()
    kinds = [type(command).__name__ for command in scene.executor.commands]
    assert kinds == ["ClaimAttempt", "ReportTaskEnded", "AttemptLost"]
    assert scene.runner.started == [KEY]


def test_a_grant_for_an_attempt_it_never_claimed_is_handed_back_as_not_started() -> None:
    scene = Scene()
    scene.executor.grant(job(), ME)
    scene.worker.run_once()

    (lost,) = scene.executor.losses
    assert not lost.started
    assert scene.runner.started == []
    assert scene.worker.busy == 0


def test_grants_of_other_workers_and_grants_from_before_its_start_are_ignored() -> None:
    log = MemoryLog(catalog_partitions(1))
    executor = FakeExecutor(log)
    executor.grant(job(task_run_id="before"), ME)
    runner = FakeRunner()
    worker = Worker(log, WorkerSettings(worker_id=ME), runner, FakeClock())
    executor.grant(job(task_run_id="other"), "worker-2")
    worker.run_once()

    assert executor.losses == []
    assert runner.started == []


def test_a_dropped_claim_frees_its_slot_and_says_nothing() -> None:
    scene = Scene(slots=1)
    scene.executor.ring(job())
    scene.worker.run_once()
    scene.executor.drop(job(), ME)
    scene.worker.run_once()

    assert scene.worker.free_slots == 1
    assert len(scene.executor.claims) == 1
    assert len(scene.executor.commands) == 1


def test_a_drop_does_not_touch_an_attempt_that_runs() -> None:
    scene = Scene()
    wanted = scene.running()
    scene.executor.drop(wanted, ME)
    scene.worker.run_once()
    scene.runner.end()
    scene.worker.run_once()

    assert len(scene.executor.reports) == 1


def test_an_unanswered_claim_is_repeated_and_handed_back_in_the_end() -> None:
    scene = Scene(slots=1, claim_repeat_s=5, claim_bound_s=17)
    scene.executor.ring(job())
    scene.worker.run_once()
    scene.later(16)
    assert len(scene.executor.claims) == 4
    assert scene.executor.losses == []

    scene.later(5)
    (lost,) = scene.executor.losses
    assert not lost.started
    assert scene.worker.free_slots == 1


def test_a_doorbell_that_comes_again_while_the_attempt_is_held_is_ignored() -> None:
    scene = Scene()
    scene.running()
    scene.executor.ring(job())
    scene.worker.run_once()

    assert len(scene.executor.claims) == 1


def test_a_job_that_cannot_be_read_is_reported_as_failed() -> None:
    scene = Scene()
    scene.executor.ring(job())
    scene.worker.run_once()
    scene.executor.grant(job(), ME, job_json=b"{")
    scene.worker.run_once()

    (report,) = scene.executor.reports
    assert report.state is State.FAILED
    assert "can't be read" in report.error


def test_cancel_kills_what_runs_and_its_end_is_reported() -> None:
    scene = Scene()
    wanted = scene.running()
    scene.executor.cancel(wanted, ME)
    scene.worker.run_once()
    assert scene.runner.killed == [(KEY, False)]

    scene.runner.end(state=State.KILLED)
    scene.worker.run_once()
    (report,) = scene.executor.reports
    assert report.state is State.KILLED


def test_cancel_of_a_claim_hands_it_back() -> None:
    scene = Scene()
    scene.executor.ring(job())
    scene.worker.run_once()
    scene.executor.cancel(job(), ME)
    scene.worker.run_once()

    assert [lost.started for lost in scene.executor.losses] == [False]
    assert scene.worker.busy == 0


def test_cancel_of_something_unknown_is_answered_so_that_the_kill_can_end() -> None:
    scene = Scene()
    scene.executor.cancel(job(), ME)
    scene.worker.run_once()

    assert len(scene.executor.losses) == 1


def test_heartbeats_come_every_three_seconds_with_what_the_worker_holds() -> None:
    scene = Scene(slots=4, version="1.2")
    scene.running()
    scene.later(9)
    scene.executor.look()

    beats = [each for each in scene.executor.leases if isinstance(each, Heartbeat)]
    assert len(beats) == 4
    assert (beats[-1].slots, beats[-1].running, beats[-1].queue, beats[-1].version) == (4, 1, "default", "1.2")
    assert [late.at_ms - early.at_ms for early, late in pairwise(beats)] == [3000] * 3


class DeafWriter:
    """A writer whose records land and whose acknowledgements don't come, while `deaf`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.deaf = False
        self.failing: type[LogError] | None = None
        self.close = writer.close

    def append(self, *args: Any, **named: Any) -> None:
        if self.failing:
            raise self.failing("no")
        self._writer.append(*args, **named)

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        acks = self._writer.poll(timeout_s)
        if self.deaf:
            return [Ack(ack.topic, ack.partition, None, ack.context, "away") for ack in acks]
        return list(acks)

    @property
    def outstanding(self) -> int:
        return int(self._writer.outstanding)


def deafened(scene: Scene) -> DeafWriter:
    writer = DeafWriter(scene.worker.writer)
    scene.worker.writer = writer
    return writer


def test_without_acknowledged_heartbeats_everything_is_killed_at_once_and_given_up() -> None:
    scene = Scene()
    scene.running()
    scene.executor.ring(job(task_run_id="claimed"))
    scene.worker.run_once()
    writer = deafened(scene)
    writer.deaf = True
    scene.later(14)
    assert scene.runner.killed == []

    scene.later(2)
    assert scene.runner.killed == [(KEY, True)]
    assert scene.worker.free_slots == 0
    assert {(lost.task_run_id, lost.started) for lost in scene.executor.losses} == {("claimed", False)}

    scene.runner.end(state=State.KILLED)
    scene.worker.run_once()
    assert scene.executor.reports == []
    assert (TASK_RUN, True) in {(lost.task_run_id, lost.started) for lost in scene.executor.losses}


def test_a_worker_that_lost_its_lease_works_on_once_heartbeats_are_acknowledged_again() -> None:
    scene = Scene(slots=2)
    writer = deafened(scene)
    writer.deaf = True
    scene.later(20)
    assert scene.worker.free_slots == 0

    writer.deaf = False
    scene.later(4)
    assert scene.worker.free_slots == 2


def test_a_worker_that_slept_past_its_lease_does_not_start_what_it_finds_granted() -> None:
    scene = Scene()
    scene.executor.ring(job())
    scene.worker.run_once()
    scene.executor.grant(job(), ME)
    scene.clock.now += 100
    scene.worker.hear(scene.worker.inbox.poll(10, 0.0))
    scene.worker.flush()

    assert scene.runner.started == []
    assert [lost.started for lost in scene.executor.losses] == [False]


def test_a_report_without_acknowledgement_is_repeated_until_there_is_one() -> None:
    scene = Scene(report_repeat_s=5)
    scene.running()
    writer = deafened(scene)
    writer.deaf = True
    scene.runner.end()
    scene.worker.run_once()
    scene.later(6)
    writer.deaf = False
    scene.later(5)
    repeated = len(scene.executor.reports)
    assert repeated == 3

    scene.later(20)
    assert len(scene.executor.reports) == repeated


def test_a_report_that_the_log_cannot_take_now_is_sent_later() -> None:
    scene = Scene(report_repeat_s=5)
    scene.running()
    writer = deafened(scene)
    writer.failing = LogError
    scene.runner.end()
    scene.worker.run_once()
    assert scene.executor.reports == []

    writer.failing = None
    scene.later(6)
    assert len(scene.executor.reports) == 1


def test_outputs_that_do_not_fit_into_a_record_fail_the_attempt() -> None:
    scene = Scene()
    scene.running()
    scene.runner.end(outputs_json=b'"' + b"x" * catalog.RECORD_BYTES_MAX + b'"')
    scene.worker.run_once()

    (report,) = scene.executor.reports
    assert report.state is State.FAILED
    assert "too large" in report.error
    assert report.outputs_json == b""


def test_an_error_that_is_no_unicode_is_reported_all_the_same() -> None:
    scene = Scene()
    scene.running()
    scene.runner.end(state=State.FAILED, error="file \udcff is missing")
    scene.worker.run_once()

    assert scene.executor.reports[0].error == "file ? is missing"


def test_stopping_hands_claims_back_waits_for_runs_and_says_goodbye() -> None:
    scene = Scene()
    scene.running()
    scene.executor.ring(job(task_run_id="claimed"))
    scene.worker.run_once()
    scene.worker.stop(20)
    scene.executor.ring(job(task_run_id="too late"))
    scene.later(5)

    assert {(lost.task_run_id, lost.started) for lost in scene.executor.losses} == {("claimed", False)}
    assert len(scene.executor.claims) == 2
    assert not scene.worker.stopped

    scene.runner.end()
    scene.settle()
    assert len(scene.executor.reports) == 1
    assert scene.worker.stopped
    assert isinstance(scene.executor.leases[-1], WorkerLeaving)


def test_after_the_grace_a_stopping_worker_kills_and_leaves_the_rest_to_the_policy() -> None:
    scene = Scene()
    scene.running()
    scene.worker.stop(20)
    scene.later(19)
    assert scene.runner.killed == []
    scene.later(2)
    assert scene.runner.killed == [(KEY, False)]

    scene.runner.end(state=State.KILLED)
    scene.settle()
    assert [(lost.task_run_id, lost.started) for lost in scene.executor.losses] == [(TASK_RUN, True)]
    assert scene.worker.stopped


def test_a_doorbell_in_hand_when_the_stop_comes_goes_to_somebody_else() -> None:
    scene = Scene()
    scene.executor.ring(job())
    doorbells = scene.worker.jobs.take(1, 0.0)
    scene.worker.stop(20)
    scene.worker.ring(doorbells)
    scene.worker.flush()

    scene.executor.look()
    assert [type(command).__name__ for command in scene.executor.commands] == ["ClaimAttempt", "AttemptLost"]


def test_a_stop_does_not_wait_for_ever_for_a_log_that_is_away() -> None:
    scene = Scene(leave_bound_s=5)
    scene.running()
    writer = deafened(scene)
    writer.deaf = True
    scene.runner.end()
    scene.worker.run_once()
    scene.worker.stop(0)
    scene.later(6)

    assert scene.worker.stopped
    scene.executor.look()
    assert isinstance(scene.executor.leases[-1], WorkerLeaving)


@pytest.mark.parametrize("seed", range(20))
def test_on_an_unreliable_log_every_attempt_starts_at_most_once_and_every_start_is_answered(seed: int) -> None:
    rates = FaultRates(hold=0.2, unknown=0.2, late_ack=0.3, redeliver=0.2, short_poll=0.2, forget_message=0.3)
    log = MemoryLog(catalog_partitions(2), faults=Faults(seed, rates))
    executor, runner, clock = FakeExecutor(log), FakeRunner(), FakeClock()
    worker = Worker(log, WorkerSettings(worker_id=ME, slots=3, lease_s=1e6), runner, clock)
    wanted = {f"run-{number}": job(task_run_id=f"run-{number}") for number in range(12)}
    for each in wanted.values():
        executor.ring(each)
    finished = answered = 0
    for _ in range(3_000):
        log.tick()
        worker.run_once()
        executor.look()
        for command in executor.commands[answered:]:
            if type(command).__name__ == "ClaimAttempt":
                executor.grant(wanted[command.task_run_id], ME)
        answered = len(executor.commands)
        for key in runner.started[finished:]:
            runner.end(key)
        finished = len(runner.started)
        clock.now += 0.5

    assert len(runner.started) == len(set(runner.started)) > 0
    told = {each.task_run_id for each in (*executor.reports, *executor.losses)}
    assert told == {key[1] for key in runner.started} | {lost.task_run_id for lost in executor.losses}
    assert {each.task_run_id for each in executor.reports} == {key[1] for key in runner.started}
    assert worker.busy == 0


def test_a_folder_that_is_of_no_use_any_more_is_removed_beside_the_attempts() -> None:
    scene = Scene(slots=1)
    scene.executor.discard("folder-1")
    scene.running()
    scene.executor.discard("folder-2")
    scene.settle()
    assert scene.runner.discarded == ["folder-1"], "a worker that is full leaves that to others"

    scene.runner.end()
    scene.settle()
    assert scene.runner.discarded == ["folder-1", "folder-2"]
