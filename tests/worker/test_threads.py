"""The worker in real threads on the durable log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.execution.job import Job
from engine.values import State
from tests.worker.executors import FakeExecutor, job
from topics.embedded.rocks import open_embedded_log
from topics.embedded.rules import catalog_partitions
from topics.messages import Heartbeat, WorkerLeaving
from topics.ports import FatalLogError, Record
from worker.ports import WorkerSettings
from worker.runners.settings import ProcessSettings
from worker.storage.shared import FOLDER
from worker.threads import IDLE_SECONDS, WorkerThreads

ME = "worker-1"
WAIT_S = 20.0
SHELL = "io.kestra.plugin.scripts.shell.Commands"
RETURN = "io.kestra.plugin.core.debug.Return"


class Scene:
    def __init__(self, folder: Path, slots: int = 4, grace_s: float = 20.0) -> None:
        self.log = open_embedded_log(folder / "log", catalog_partitions(1))
        self.executor = FakeExecutor(self.log)
        self.threads = WorkerThreads(
            self.log,
            WorkerSettings(worker_id=ME, slots=slots),
            folder / "storage",
            ProcessSettings(folder=folder / "attempts", kill_grace_ms=200),
            grace_s,
        )
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.granted: set[str] = set()

    def _run(self) -> None:
        try:
            self.threads.run()
        except BaseException as error:
            self.error = error

    def until(self, done: Callable[[], Any], wanted: dict[str, Job] | None = None) -> None:
        """Take in what comes, granting what of `wanted` is claimed, until `done`."""
        for _ in range(200):
            for claim in self.executor.claims:
                if wanted and claim.task_run_id in wanted and claim.task_run_id not in self.granted:
                    self.granted.add(claim.task_run_id)
                    self.executor.grant(wanted[claim.task_run_id], ME)
            if done():
                return
            self.executor.look(WAIT_S / 200)
        pytest.fail("it didn't come")

    def stop(self) -> None:
        self.threads.stop()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.stop()
        self.log.close()


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(**given: Any) -> Scene:
        made.append(Scene(tmp_path, **given))
        return made[-1]

    yield make
    for each in made:
        each.close()


def jobs(count: int, task_type: str = RETURN, **given: Any) -> dict[str, Job]:
    return {f"run-{number}": job(task_type, task_run_id=f"run-{number}", **given) for number in range(count)}


def test_many_more_jobs_than_slots_are_all_run_and_reported(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(slots=3)
    wanted = jobs(60, properties={"format": "{{ flow.id }}"})
    for each in wanted.values():
        scene.executor.ring(each)
    scene.until(lambda: len(scene.executor.reports) == 60, wanted)

    assert {report.state for report in scene.executor.reports} == {State.SUCCESS}
    assert {report.task_run_id for report in scene.executor.reports} == set(wanted)


def test_slots_that_are_free_ahead_are_forgotten_when_nothing_comes(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(slots=1)
    source = scene.threads._worker.jobs
    take, asked = source.take, []

    def watched(most: int, wait_s: float) -> list[Record]:
        asked.append((most, wait_s))
        return take(most, wait_s)

    source.take = watched  # type: ignore[method-assign]
    wanted = jobs(30, properties={"format": "{{ flow.id }}"})
    for each in wanted.values():
        scene.executor.ring(each)
    scene.until(lambda: len(scene.executor.reports) == 30, wanted)
    scene.until(lambda: asked[-1] == (1, IDLE_SECONDS))

    assert all(wait_s < 1 for most, wait_s in asked if most > 1)
    assert any(most > 1 for most, _ in asked)


def test_a_script_runs_and_its_lines_lie_in_the_log_before_its_report(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene()
    wanted = jobs(1, SHELL, properties={"commands": ["echo hi"]})
    scene.executor.ring(wanted["run-0"])
    scene.until(lambda: scene.executor.reports, wanted)

    assert msgspec.json.decode(scene.executor.reports[0].outputs_json)["exitCode"] == 0
    assert [line.message for line in scene.executor.lines] == ["hi"]


def test_cancel_ends_a_script_that_runs(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene()
    wanted = jobs(1, SHELL, properties={"commands": ["echo running", "sleep 1000"]})
    scene.executor.ring(wanted["run-0"])
    scene.until(lambda: scene.executor.lines, wanted)
    scene.executor.cancel(wanted["run-0"], ME)
    scene.until(lambda: scene.executor.reports)

    assert scene.executor.reports[0].state is State.KILLED


def test_a_stop_lets_what_runs_come_to_its_end(make_scene: Callable[..., Scene], tmp_path: Path) -> None:
    scene = make_scene()
    script = f"echo running; while [ ! -e {tmp_path}/go ]; do sleep 0.01; done"
    wanted = jobs(1, SHELL, properties={"commands": [script]})
    scene.executor.ring(wanted["run-0"])
    scene.until(lambda: scene.executor.lines, wanted)
    scene.threads.stop()
    (tmp_path / "go").touch()
    scene.stop()

    assert scene.executor.reports[0].state is State.SUCCESS
    assert isinstance(scene.executor.leases[0], Heartbeat)
    assert isinstance(scene.executor.leases[-1], WorkerLeaving)


def test_a_stop_without_grace_kills_and_hands_back(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(grace_s=0)
    wanted = jobs(1, SHELL, properties={"commands": ["echo running", "sleep 1000"]})
    scene.executor.ring(wanted["run-0"])
    scene.until(lambda: scene.executor.lines, wanted)
    scene.stop()

    assert [(lost.task_run_id, lost.started) for lost in scene.executor.losses] == [("run-0", True)]
    assert scene.executor.reports == []


def test_an_idle_worker_stops_at_once_and_twice_is_once(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene()
    scene.stop()
    scene.stop()

    assert scene.error is None


def test_a_log_that_is_broken_for_good_ends_the_worker_with_its_error(
    make_scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene()

    def broken(*_: Any) -> Any:
        raise FatalLogError("corrupt")

    monkeypatch.setattr(scene.threads._worker.inbox, "poll", broken)
    scene.threads._worker.inbox.wake()
    scene._thread.join(WAIT_S)

    assert isinstance(scene.error, FatalLogError)


def test_a_shared_folder_that_is_of_no_use_any_more_is_removed(
    make_scene: Callable[..., Scene], tmp_path: Path
) -> None:
    scene = make_scene()
    writes = job(SHELL, properties={"commands": ["touch here"]}, folder="a", task_run_id="run-a")
    reads = job(SHELL, properties={"commands": ["test -e here"]}, folder="a", task_run_id="run-b")
    for number, each in enumerate((writes, reads), 1):
        scene.executor.ring(each)
        scene.until(lambda number=number: len(scene.executor.reports) == number, {each.task_run_id: each})
    assert {report.state for report in scene.executor.reports} == {State.SUCCESS}
    assert (tmp_path / "storage" / FOLDER / "a").exists()

    scene.executor.discard("a")
    scene.until(lambda: not (tmp_path / "storage" / FOLDER / "a").exists())
