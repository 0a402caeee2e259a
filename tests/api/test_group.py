"""Several API processes on one PostgreSQL: each writes its partitions, all tell what the views have."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from api.projections.batch import Batch
from api.projections.fan_out import FanOut
from api.projections.partitions import Partition
from api.projections.write import Overtaken, write_batch
from engine.execution import events as e
from topics.step_log import StepFold

IN_TIME_S = 30.0


class Recorder(FanOut):
    """Keeps what is published, and what a look at the moment of publishing showed."""

    def __init__(self, look: Callable[[], Any] = lambda: None) -> None:
        super().__init__()
        self.told: list[Batch] = []
        self.looks: list[Any] = []
        self._look = look
        self._changed = threading.Condition()

    def publish(self, batch: Batch) -> None:
        with self._changed:
            self.told.append(batch)
            self.looks.append(self._look())
            self._changed.notify_all()

    def wait_for(self, true: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(true, IN_TIME_S)

    @property
    def requests(self) -> set[str]:
        return {request for batch in self.told for request, _ in batch.answers}


def created(id: str) -> e.ExecutionCreated:
    return e.ExecutionCreated(namespace="demo", flow_id="hello", revision=1, at_ms=1, original_id=id)


def batch_with(request: str) -> Batch:
    batch = Batch()
    batch.answers.append((request, None))
    return batch


def test_news_is_held_until_the_views_have_it() -> None:
    from api.projections.group import HeldNews

    recorder = Recorder()
    news = HeldNews(recorder)
    key = ("executions.events", 0)
    news.begin({key: 5}, {key: 7})
    news.hold(key, 5, batch_with("old"))
    news.hold(key, 7, batch_with("a"))
    news.hold(key, 9, batch_with("b"))
    assert recorder.requests == {"old"}
    assert not news.caught_up.is_set()
    news.passed(key, 8)
    assert recorder.requests == {"old", "a"}
    assert news.caught_up.is_set()
    news.passed(key, 6)
    news.passed(key, 9)
    assert [batch.answers[0][0] for batch in recorder.told] == ["old", "a", "b"]


def test_a_batch_of_a_process_that_lost_its_partition_does_not_count(database: Any) -> None:
    from api.projections.execution_fold import fold_step
    from topics.messages import Cause, Step

    def batch_of(n: int) -> Batch:
        batch = Batch()
        step = Step(
            epoch=1, n=n, cause=Cause(kind="inbox", offset=0), id=f"e{n}", seq=0, at_ms=1, events=(created("x"),)
        )
        fold_step(batch, step)
        return batch

    def partition(stored: int | None, offset: int) -> Partition:
        return Partition("executions.events", 0, StepFold(1, "o", 1, offset), False, stored)

    writer = database.writer()
    write_batch(writer, batch_of(0), [partition(None, 2)], lambda _source: (False, None, ()))
    for stale in (partition(None, 3), partition(1, 3)):
        with pytest.raises(Overtaken):
            write_batch(writer, batch_of(1), [stale], lambda _source: (False, None, ()))
    write_batch(writer, batch_of(2), [partition(2, 4)], lambda _source: (False, None, ()))
    assert writer.query("SELECT id FROM executions ORDER BY id") == [("e0",), ("e2",)]
    writer.close()


@pytest.fixture
def shared(postgres: str) -> Any:
    from api.projections.postgres import PostgresDatabase
    from tests.api.conftest import empty

    made = PostgresDatabase(postgres)
    empty(made)
    return made


def test_two_processes_divide_the_writing_and_both_tell_everything(log: Any, steps: Any, shared: Any) -> None:
    from api.projections.group import GroupTail

    shared.prepare()
    reader = shared.reader()
    one = Recorder(lambda: reader.query("SELECT count(*) FROM executions")[0][0])
    other = Recorder()
    tails = [GroupTail(log, shared, each, lambda _source: (False, None, ()), 100) for each in (one, other)]
    for tail in tails:
        tail.start()
    wanted = {f"r{number}" for number in range(20)}
    for number in range(20):
        steps.step(f"e{number}", created(f"e{number}"), request=f"r{number}")
    for recorder in (one, other):
        recorder.wait_for(lambda recorder=recorder: recorder.requests >= wanted)  # type: ignore[misc]
    assert sorted(one.requests) == sorted(wanted)
    seen = 0
    for batch, look in zip(one.told, one.looks, strict=True):
        seen += len(batch.executions)
        assert look >= seen
    tails[0].stop()
    steps.step("e99", created("e99"), request="r99")
    other.wait_for(lambda: "r99" in other.requests)
    tails[1].stop()
    assert reader.query("SELECT count(*) FROM executions") == [(21,)]
    assert [tail.failure for tail in tails] == [None, None]
    reader.close()


def test_the_api_runs_on_postgresql(log: Any, executor: Any, postgres: str, settings: Any, shared: Any) -> None:
    import msgspec

    from tests.api.conftest import Api

    with Api(log, msgspec.structs.replace(settings, views=postgres), None, None) as api:
        api.save('id: a\nnamespace: demo\ntasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: "x\\0"}]')
        found = api.post("/executions/demo/a?wait=true&labels=a:1").json
        assert found["state"]["current"] == "SUCCESS"
        assert api.get("/executions/search?filters[labels][EQUALS][a]=1&q=A&timeRange=PT1H").json["total"] == 1
        assert api.get("/flows/search?labels=a:2").json["total"] == 0
        assert api.get("/executions/search?sort=state.duration:desc&namespace=demo").json["total"] == 1
        assert api.get("/logs/search?minLevel=WARN").status == 200
