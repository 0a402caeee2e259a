"""Claiming ahead: while attempts are short, the next ones are granted before a slot is free."""

from __future__ import annotations

from engine.execution.job import Job
from tests.worker.executors import EXECUTION, job
from tests.worker.test_loop import ME, Scene


def numbered(number: int) -> Job:
    return job(task_run_id=f"run-{number}")


def one_waits() -> Scene:
    """Return a worker of one slot: run-0 ended a moment ago, run-1 runs, run-2 is granted and waits."""
    scene = Scene(slots=1)
    for number in range(3):
        scene.executor.ring(numbered(number))
    scene.settle()
    scene.executor.grant(numbered(0), ME)
    scene.settle()
    scene.runner.end((EXECUTION, "run-0", 1))
    scene.settle()
    for number in (1, 2):
        scene.executor.grant(numbered(number), ME)
    scene.settle()
    assert [started for _, started, _ in scene.runner.started] == ["run-0", "run-1"]
    return scene


def lost_of(scene: Scene) -> list[tuple[str, bool]]:
    return [(lost.task_run_id, lost.started) for lost in scene.executor.losses]


def test_as_many_are_claimed_ahead_as_ended_lately() -> None:
    scene = Scene(slots=2)
    assert scene.worker.free_slots == 2
    scene.running()
    scene.runner.end()
    scene.settle()
    assert scene.worker.free_slots == 3

    scene.later(0.2)
    assert scene.worker.free_slots == 2


def test_no_more_than_three_for_each_slot_are_claimed_ahead() -> None:
    scene = Scene(slots=2)
    for number in range(40):
        scene.executor.ring(numbered(number))
    for number in range(20):
        scene.settle()
        scene.executor.grant(numbered(number), ME)
        scene.settle()
        scene.runner.end((EXECUTION, f"run-{number}", 1))
    scene.settle()

    assert scene.worker.free_slots == 0
    assert scene.worker.busy == 2 + 2 * 3


def test_what_was_claimed_ahead_starts_when_a_slot_is_free() -> None:
    scene = one_waits()
    scene.runner.end((EXECUTION, "run-1", 1))
    scene.settle()
    assert [started for _, started, _ in scene.runner.started] == ["run-0", "run-1", "run-2"]

    scene.runner.end((EXECUTION, "run-2", 1))
    scene.settle()
    assert [report.task_run_id for report in scene.executor.reports] == ["run-0", "run-1", "run-2"]
    assert scene.worker.busy == 0


def test_what_waits_too_long_for_its_slot_goes_to_somebody_else() -> None:
    scene = one_waits()
    scene.later(1.5)
    assert lost_of(scene) == [("run-2", False)]

    scene.runner.end((EXECUTION, "run-1", 1))
    scene.settle()
    assert [started for _, started, _ in scene.runner.started] == ["run-0", "run-1"]


def test_a_cancel_takes_back_what_waits_for_its_slot() -> None:
    scene = one_waits()
    scene.executor.cancel(numbered(2), ME)
    scene.settle()
    assert lost_of(scene) == [("run-2", False)]
    assert scene.runner.killed == []


def test_a_worker_that_stops_hands_back_what_waits_and_lets_the_rest_run() -> None:
    scene = one_waits()
    scene.worker.stop(10)
    scene.settle()
    assert lost_of(scene) == [("run-2", False)]
    assert scene.worker.busy == 1

    scene.runner.end((EXECUTION, "run-1", 1))
    scene.settle()
    assert scene.worker.stopped


def test_a_worker_that_slept_past_its_lease_does_not_start_what_waited() -> None:
    scene = one_waits()
    scene.runner.end((EXECUTION, "run-1", 1))
    scene.clock.now += 100
    scene.worker.finish()
    scene.worker.flush()

    assert [started for _, started, _ in scene.runner.started] == ["run-0", "run-1"]
    assert ("run-2", False) in lost_of(scene)


def test_a_job_that_cannot_be_read_fails_at_once_though_no_slot_is_free() -> None:
    scene = one_waits()
    scene.executor.ring(numbered(3))
    scene.settle()
    scene.runner.end((EXECUTION, "run-1", 1))
    scene.settle()
    scene.executor.grant(numbered(3), ME, job_json=b"{")
    scene.settle()
    assert [report.task_run_id for report in scene.executor.reports] == ["run-0", "run-1", "run-3"]
