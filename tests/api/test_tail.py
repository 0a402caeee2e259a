"""Where reading begins, and what happens when writing fails."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from api import app
from api.projections import perseverance
from api.projections.batch import Batch
from api.projections.fan_out import FanOut
from api.projections.partitions import Partition
from api.projections.sqlite import SqliteConnection, SqliteDatabase
from api.projections.tail import Tail
from engine.execution import events as e
from tests.api.conftest import Api
from topics.messages import Cause, Claim, Step
from topics.ports import LogError
from topics.step_log import StepFold

IN_TIME_S = 30.0


def step(epoch: int, n: int) -> Step:
    return Step(epoch=epoch, n=n, cause=Cause(kind="inbox", offset=0), id="e1", seq=0, at_ms=0)


def cut() -> Partition:
    """A partition whose beginning retention has removed."""
    return Partition("executions.events", 0, StepFold(offset=100), True, None)


def counted(partition: Partition, *messages: Claim | Step) -> list[bool]:
    return [partition.counts(message, 100 + at) for at, message in enumerate(messages)]


def test_where_the_log_was_cut_its_first_step_tells_the_number() -> None:
    assert counted(cut(), step(3, 40), step(3, 41), step(3, 41), step(2, 42)) == [True, True, False, False]


def test_a_step_under_a_higher_epoch_tells_of_a_claim_that_was_cut_away() -> None:
    assert counted(cut(), step(2, 40), step(3, 40), step(3, 41), step(2, 41)) == [True, True, True, False]


def test_after_a_claim_that_was_read_its_owner_tells_the_number_and_the_rule_is_the_usual_one() -> None:
    partition = cut()
    claim = Claim(epoch=5, owner="o")
    assert counted(partition, claim, step(4, 9), step(5, 70), step(5, 71), step(6, 72)) == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert not partition.adopting


class Failing(SqliteDatabase):
    """A database whose first commits fail."""

    def __init__(self, path: Path, failures: int) -> None:
        super().__init__(path)
        self.failures = failures

    def writer(self) -> SqliteConnection:
        connection = super().writer()
        commit = connection.commit

        def failing_commit() -> None:
            if self.failures and self.prepared:
                self.failures -= 1
                raise sqlite3.OperationalError("disk full")
            commit()

        connection.commit = failing_commit  # type: ignore[method-assign]
        return connection

    prepared = False

    def prepare(self) -> None:
        super().prepare()
        self.prepared = True


class Told(FanOut):
    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.changed = threading.Condition()

    def publish(self, batch: Batch) -> None:
        with self.changed:
            self.requests += [request for request, _ in batch.answers]
            self.changed.notify_all()


def created() -> e.ExecutionCreated:
    return e.ExecutionCreated(namespace="demo", flow_id="hello", revision=1, at_ms=1, original_id="e1")


def test_a_batch_that_could_not_be_written_is_read_again_and_told_once(
    log: Any, steps: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perseverance, "RETRY_S", 0.0)
    database, told = Failing(tmp_path / "views.db", failures=3), Told()
    steps.step("e1", created(), request="r1")
    tail = Tail(log, database, told, lambda _source: (False, None, ()), 100)
    tail.start()
    with told.changed:
        assert told.changed.wait_for(lambda: told.requests, IN_TIME_S)
    assert tail.caught_up.wait(IN_TIME_S)
    tail.stop()
    assert told.requests == ["r1"]
    assert database.failures == 0
    assert database.reader().query("SELECT id FROM executions") == [("e1",)]
    assert tail.failure is None


def test_views_that_fail_again_and_again_say_so_until_they_go_on(
    log: Any, settings: Any, tmp_path: Path, steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perseverance, "RETRY_S", 0.0)
    database = Failing(tmp_path / "views.db", failures=1_000_000)
    monkeypatch.setattr(app, "open_views", lambda _address: database)
    steps.step("e1", created())
    with Api(log, settings, None, None) as api:
        while "disk full" not in api.get("//health").json["details"]["views"]["status"]:
            pass
        assert api.get("//health/readiness").status == 503
        assert api.get("//health/liveness").status == 200
        database.failures = 0
        while api.get("//health").status != 200:
            pass


def test_one_failure_of_the_views_is_no_trouble_yet(caplog: pytest.LogCaptureFixture) -> None:
    stopping = threading.Event()
    seen: list[str | None] = []

    def work() -> None:
        seen.append(kept.trouble)
        if len(seen) < 3:
            raise LogError("away")
        kept.well()
        seen.append(kept.trouble)
        stopping.set()

    kept = perseverance.Perseverance(stopping, (LogError,), None)
    kept.keep_at(work)

    assert seen == [None, None, "away", None]


def test_a_failure_that_waiting_does_not_mend_is_reported(log: Any, tmp_path: Path, send: Any) -> None:
    failed: list[BaseException] = []
    happened = threading.Event()

    def on_failure(error: BaseException) -> None:
        failed.append(error)
        happened.set()

    database = SqliteDatabase(tmp_path / "views.db")
    tail = Tail(log, database, FanOut(), lambda _source: (False, None, ()), 100, on_failure)
    tail.start()
    writer = log.writer()
    writer.append("executions.events", 0, b"x", b"no message at all")
    while writer.outstanding:
        writer.poll(1.0)
    assert happened.wait(IN_TIME_S)
    tail.stop()
    assert tail.failure is failed[0]
