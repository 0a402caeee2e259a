from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from api.projections import execution_fold, queries, render, tables
from api.projections.database import Connection, Database
from api.projections.filters import ALL, Page
from api.projections.sqlite import SqliteDatabase
from api.projections.tail import rebuild
from engine.catalog.events import FlowDeleted, FlowSaved
from engine.errors import Reason
from engine.execution import events as e
from engine.machine import CommandRejected, Event
from engine.values import State
from topics import catalog
from topics.embedded.rocks import EmbeddedLog
from topics.messages import LogEntry, MetricEntry
from topics.ports import FatalLogError

Fold = Callable[[], dict[str, int]]
T = 1_700_000_000_000
ISO = "2023-11-14T22:13:20.000Z"


def created(at_ms: int = T, **fields: Any) -> e.ExecutionCreated:
    return e.ExecutionCreated(
        **{"namespace": "demo", "flow_id": "hello", "revision": 1, "at_ms": at_ms, "original_id": "x", **fields}
    )


@pytest.fixture
def view(database: Database) -> Connection:
    return database.reader()


def execution(view: Connection, id: str) -> dict[str, Any]:
    row = queries.execution_row(view, id)
    assert row is not None
    found = render.execution_json(row, T + 10_000, {})
    return msgspec.json.decode(msgspec.json.encode({**found, "taskRunList": queries.task_runs(view, row, T + 10_000)}))


def states(of: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in of["state"]["histories"]]


LIFE = (
    created(inputs_json=b'{"a":{"b":1}}', labels={"team": "x", "system.correlationId": "e1"}),
    e.ExecutionStateChanged(state=State.RUNNING, at_ms=T),
    e.ScopeOpened(scope_id="root"),
    e.TaskRunCreated(task_run_id="r1", task_id="one", scope_id="root", at_ms=T),
    e.TaskDispatched(task_run_id="r1", epoch=1, queue="default", at_ms=T),
    e.TaskRunStarted(task_run_id="r1", epoch=1, worker_id='w"1', at_ms=T + 1000),
    e.TaskRunRetryScheduled(task_run_id="r1", epoch=2, at_ms=T + 2000, due_ms=T + 2500, error="broke"),
    e.TaskDispatched(task_run_id="r1", epoch=2, queue="default", at_ms=T + 2500),
    e.TaskRunStarted(task_run_id="r1", epoch=2, worker_id="w2", at_ms=T + 3000),
    e.TaskRunEnded(
        task_run_id="r1",
        state=State.SUCCESS,
        at_ms=T + 4000,
        outputs_json=b'{"value":"ok"}',
        logs=(e.LogLine(level="WARN", message="late"),),
    ),
    e.TaskRunDecided(
        task_run_id="r2",
        task_id="two",
        scope_id="root",
        state=State.SUCCESS,
        at_ms=T + 4000,
        value="v",
        iteration=3,
        parent_id="r1",
        logs=(e.LogLine(level="INFO", message="first"), e.LogLine(level="ERROR", message="second")),
    ),
    e.ExecutionEnded(state=State.SUCCESS, at_ms=T + 5000, outputs_json=b'{"sum":3}'),
    e.ExecutionSettled(at_ms=T + 5000),
)


def check_life(view: Connection) -> None:
    found = execution(view, "e1")
    assert found["inputs"] == {"a": {"b": 1}}
    assert found["outputs"] == {"sum": 3}
    assert found["labels"] == [{"key": "team", "value": "x"}, {"key": "system.correlationId", "value": "e1"}]
    assert states(found) == ["CREATED", "RUNNING", "SUCCESS"]
    assert found["state"]["startDate"] == ISO
    assert found["state"]["duration"] == "PT5S"
    one, two = found["taskRunList"]
    assert (one["id"], one["taskId"], one["outputs"]) == ("r1", "one", {"value": "ok"})
    assert states(one) == ["CREATED", "SUBMITTED", "RUNNING", "RETRYING", "SUBMITTED", "RUNNING", "SUCCESS"]
    assert [(a["state"]["current"], a["workerId"]) for a in one["attempts"]] == [("FAILED", "w1"), ("SUCCESS", "w2")]
    assert (two["value"], two["iteration"], two["parentTaskRunId"]) == ("v", 3, "r1")
    assert states(two) == ["CREATED", "RUNNING", "SUCCESS"]
    assert len(two["attempts"]) == 1
    lines = [render.line_json(row) for row in queries.lines_of(view, "e1", ALL)]
    assert [(x["taskId"], x["level"], x["message"]) for x in lines] == [
        ("one", "WARN", "late"),
        ("two", "INFO", "first"),
        ("two", "ERROR", "second"),
    ]
    assert queries.lines_of(view, "e1", ALL)[0][1] == "r1/e9/0"
    assert queries.execution_progress(view, "e1") == (12, "SUCCESS", True)


@pytest.mark.parametrize("decoded", [True, False])
def test_a_life_in_one_batch_and_in_many_comes_to_the_same(
    steps: Any, fold: Fold, view: Connection, decoded: bool
) -> None:
    steps.decoded = decoded
    steps.step("e1", *LIFE)
    fold()
    check_life(view)
    for event in LIFE:
        steps.step("e2", event)
        fold()
    one, two = execution(view, "e1"), execution(view, "e2")
    for found in (one, two):
        found.pop("id")
        for run in found["taskRunList"]:
            run.pop("executionId")
    assert one == two


def test_steps_that_do_not_count_change_nothing(steps: Any, fold: Fold, view: Connection) -> None:
    steps.claim(0)
    steps.claim(1)
    first = steps.step("e1", created())
    steps.again(first)
    steps.step("e1", e.ExecutionEnded(state=State.FAILED, at_ms=T), epoch=0, n=1)
    steps.step("e1", e.ExecutionStateChanged(state=State.RUNNING, at_ms=T))
    fold()
    assert states(execution(view, "e1")) == ["CREATED", "RUNNING"]


def test_folding_goes_on_where_it_stopped_and_the_step_log_state_is_kept(
    steps: Any, fold: Fold, view: Connection
) -> None:
    first = steps.step("e1", created())
    assert fold()["executions.events"] == 2
    steps.again(first)
    steps.step("e1", e.ExecutionStateChanged(state=State.RUNNING, at_ms=T))
    assert fold()["executions.events"] == 2
    assert fold() == {}
    assert states(execution(view, "e1")) == ["CREATED", "RUNNING"]


def append(log: EmbeddedLog, topic: str, value: bytes) -> None:
    writer = log.writer()
    writer.append(topic, 0, b"e1", value)
    while writer.outstanding:
        writer.poll(1.0)


@pytest.mark.parametrize("topic", [catalog.LOGS, catalog.METRICS])
def test_a_log_line_or_metric_that_cannot_be_read_is_left_out_and_named(
    topic: str, steps: Any, fold: Fold, log: EmbeddedLog, view: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    append(log, topic, b"junk")
    steps.step("e1", *LIFE)
    fold()

    assert execution(view, "e1")
    assert f"{topic}/0 at offset 0 is left out" in caplog.text
    assert fold() == {}


def test_a_step_that_cannot_be_read_stops_the_views_where_it_lies(steps: Any, fold: Fold, log: EmbeddedLog) -> None:
    steps.claim(0)
    append(log, catalog.EXECUTIONS_EVENTS, b"junk")

    with pytest.raises(FatalLogError, match=r"executions\.events/0 at offset 1 can't be read.*newer Penstock"):
        fold()


def test_a_rebuild_gives_the_same_views(
    steps: Any, flow_steps: Any, fold: Fold, log: EmbeddedLog, tmp_path: Any, database: Database
) -> None:
    steps.step("e1", *LIFE[:6])
    flow_steps.step("demo/hello", FlowSaved(namespace="demo", flow_id="hello", revision=1, source="x: 1", at_ms=T))
    fold()
    steps.step("e1", *LIFE[6:])
    fold()
    other = SqliteDatabase(tmp_path / "other.db")
    rebuild(log, other, lambda _source: (False, None, ()))
    for name in tables.NAMES:
        if name != "positions":
            query = f"SELECT * FROM {name} ORDER BY 1, 2" if name != "views" else "SELECT * FROM views"
            assert database.reader().query(query) == other.reader().query(query), name


def test_a_restart_opens_the_execution_again_and_counts_attempts(steps: Any, fold: Fold, view: Connection) -> None:
    steps.step(
        "e1",
        created(),
        e.TaskRunCreated(task_run_id="p", task_id="par", scope_id="root", state=State.RUNNING, at_ms=T),
        e.TaskRunDecided(task_run_id="r", task_id="bad", scope_id="p", state=State.FAILED, at_ms=T),
        e.TaskRunDecided(task_run_id="h", task_id="handler", scope_id="p", state=State.SUCCESS, at_ms=T),
        e.TaskRunEnded(task_run_id="p", state=State.FAILED, at_ms=T + 1),
        e.ExecutionEnded(state=State.FAILED, at_ms=T + 1),
        e.ExecutionSettled(at_ms=T + 1),
    )
    fold()
    steps.step(
        "e1",
        e.ExecutionRestarted(at_ms=T + 5, attempt=2, revision=4),
        e.TaskRunRemoved(task_run_id="h"),
        e.TaskRunReopened(task_run_id="p", state=State.RUNNING, at_ms=T + 5),
        e.TaskRunReopened(task_run_id="r", state=State.CREATED, at_ms=T + 5),
        e.TaskRunEnded(task_run_id="r", state=State.SUCCESS, at_ms=T + 6),
    )
    fold()
    found = execution(view, "e1")
    assert (found["flowRevision"], found["metadata"]["attemptNumber"]) == (4, 2)
    assert states(found) == ["CREATED", "FAILED", "RESTARTED"]
    assert "endDate" not in found["state"]
    runs = {run["taskId"]: run for run in found["taskRunList"]}
    assert set(runs) == {"par", "bad"}
    assert states(runs["bad"]) == ["CREATED", "RUNNING", "FAILED", "RESTARTED", "RUNNING", "SUCCESS"]
    assert [a["state"]["current"] for a in runs["bad"]["attempts"]] == ["FAILED", "SUCCESS"]
    assert runs["par"]["state"]["current"] == "RUNNING"
    assert queries.execution_progress(view, "e1")[2] is False  # type: ignore[index]


def test_what_is_below_a_removed_task_run_goes_with_it(steps: Any, fold: Fold, view: Connection) -> None:
    def decided(id: str, parent_id: str | None) -> e.TaskRunDecided:
        return e.TaskRunDecided(
            task_run_id=id, task_id=id, scope_id="s", state=State.SUCCESS, at_ms=T, parent_id=parent_id
        )

    steps.step("e1", created(), decided("kept", None), decided("loop", None), decided("inner", "loop"))
    fold()
    steps.step(
        "e1",
        decided("deep", "inner"),
        decided("here", "loop"),
        e.TaskRunRemoved(task_run_id="loop"),
        decided("new", "loop"),
    )
    steps.step("e2", created(), decided("loop", None), decided("inner", "loop"))
    fold()
    ids = [run["id"] for run in execution(view, "e1")["taskRunList"]]
    assert ids == ["kept", "new"]
    assert len(execution(view, "e2")["taskRunList"]) == 2


def test_an_attempt_that_has_ended_shows_the_file_of_its_lines(steps: Any, fold: Fold, view: Connection) -> None:
    def started(epoch: int) -> e.TaskRunStarted:
        return e.TaskRunStarted(task_run_id="r", epoch=epoch, worker_id="w", at_ms=T, log_file=f"kestra:///{epoch}.log")

    steps.step(
        "e1",
        created(),
        e.TaskRunCreated(task_run_id="r", task_id="r", scope_id="root", at_ms=T),
        e.TaskDispatched(task_run_id="r", epoch=1, queue="default", at_ms=T),
        started(1),
        e.TaskRunResubmitted(task_run_id="r", epoch=1, at_ms=T),
        e.TaskDispatched(task_run_id="r", epoch=2, queue="default", at_ms=T),
        started(2),
        e.TaskRunRetryScheduled(task_run_id="r", epoch=3, at_ms=T, due_ms=T, error="broke"),
        e.TaskDispatched(task_run_id="r", epoch=3, queue="default", at_ms=T),
        started(3),
    )
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert [attempt.get("logFile") for attempt in run["attempts"]] == [None, "kestra:///2.log", None]


def test_a_lost_attempt_shows_as_resubmitted(steps: Any, fold: Fold, view: Connection) -> None:
    steps.step(
        "e1",
        created(),
        e.TaskRunCreated(task_run_id="r", task_id="r", scope_id="root", at_ms=T),
        e.TaskDispatched(task_run_id="r", epoch=1, queue="default", at_ms=T),
        e.TaskRunStarted(task_run_id="r", epoch=1, worker_id="w1", at_ms=T),
        e.TaskRunResubmitted(task_run_id="r", epoch=1, at_ms=T, logs=(e.LogLine(level="WARN", message="lost"),)),
        e.TaskDispatched(task_run_id="r", epoch=2, queue="default", at_ms=T),
        e.TaskRunStarted(task_run_id="r", epoch=2, worker_id="w2", at_ms=T),
    )
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert [(a["state"]["current"], a["workerId"]) for a in run["attempts"]] == [
        ("RESUBMITTED", "w1"),
        ("RUNNING", "w2"),
    ]
    assert run["state"]["current"] == "RUNNING"
    assert [row[6] for row in queries.lines_of(view, "e1", ALL)] == ["r"]


def at_worker(epoch: int, asks: str = "") -> list[Event]:
    return [
        e.TaskDispatched(task_run_id="r", epoch=epoch, queue="default", at_ms=T + epoch, asks=asks),
        e.TaskRunStarted(task_run_id="r", epoch=epoch, worker_id=f"w{epoch}", at_ms=T + epoch),
    ]


def at_engine(epoch: int) -> Event:
    return e.TaskRunStarted(task_run_id="r", epoch=epoch, worker_id="", at_ms=T + epoch)


@pytest.mark.parametrize(
    ("events", "worker"),
    [
        ([*at_worker(1, "prepare"), at_engine(1), *at_worker(2, "collect"), at_engine(2)], "w1"),
        ([*at_worker(1, "prepare"), at_engine(1)], "w1"),
        ([at_engine(1), *at_worker(2, "turn"), at_engine(2), *at_worker(3, "turn"), at_engine(3)], None),
        ([*at_worker(1, "properties"), at_engine(1)], "w1"),
        ([*at_worker(1, "runIf"), *at_worker(2)], "w2"),
        ([*at_worker(1, "runIf"), *at_worker(2, "properties"), at_engine(2)], "w2"),
    ],
)
def test_what_a_worker_does_for_the_engine_is_no_attempt_of_its_own(
    steps: Any, fold: Fold, view: Connection, events: list[Event], worker: str | None
) -> None:
    begun = e.TaskRunCreated(task_run_id="r", task_id="r", scope_id="root", at_ms=T)
    steps.step("e1", created(), begun, *events)
    fold()
    assert execution(view, "e1")["taskRunList"][0]["state"]["current"] == "RUNNING"
    steps.step("e1", e.TaskRunEnded(task_run_id="r", state=State.SUCCESS, at_ms=T + 9))
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert [state for state in states(run) if state != "SUBMITTED"] == ["CREATED", "RUNNING", "SUCCESS"]
    (attempt,) = run["attempts"]
    assert attempt.get("workerId") == worker


@pytest.mark.parametrize("asks", ["turn", "collect"])
def test_a_flowable_for_which_a_worker_is_to_do_something_is_shown_as_running(
    steps: Any, fold: Fold, view: Connection, asks: str
) -> None:
    begun = e.TaskRunCreated(task_run_id="r", task_id="r", scope_id="root", state=State.RUNNING, at_ms=T)
    steps.step("e1", created(), begun, at_worker(2, asks)[0])
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert run["state"]["current"] == "RUNNING"
    assert states(run) == ["CREATED", "RUNNING"]


def test_a_task_run_removed_and_made_again_in_one_batch_is_the_new_one(
    steps: Any, fold: Fold, view: Connection
) -> None:
    steps.step(
        "e1", created(), e.TaskRunDecided(task_run_id="h", task_id="h", scope_id="s", state=State.FAILED, at_ms=T)
    )
    fold()
    steps.step(
        "e1",
        e.TaskRunRemoved(task_run_id="h"),
        e.TaskRunDecided(task_run_id="h", task_id="h", scope_id="s", state=State.SUCCESS, at_ms=T + 1),
    )
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert states(run) == ["CREATED", "RUNNING", "SUCCESS"]


def test_a_pause_shows_as_one_attempt_that_went_on(steps: Any, fold: Fold, view: Connection) -> None:
    steps.step(
        "e1",
        created(),
        e.TaskRunCreated(task_run_id="p", task_id="p", scope_id="root", state=State.PAUSED, at_ms=T),
        e.ExecutionStateChanged(state=State.PAUSED, at_ms=T),
        e.TaskRunResumed(task_run_id="p", at_ms=T + 9, outputs_json=b'{"onResume":{"a":1}}'),
        e.TaskRunEnded(task_run_id="p", state=State.SUCCESS, at_ms=T + 9),
    )
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert states(run) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]
    assert len(run["attempts"]) == 1
    assert run["outputs"] == {"onResume": {"a": 1}}


def test_retries_of_a_task_that_the_engine_decides_show_as_attempts(steps: Any, fold: Fold, view: Connection) -> None:
    steps.step(
        "e1",
        created(),
        e.TaskRunCreated(task_run_id="f", task_id="f", scope_id="root", at_ms=T),
        e.TaskRunRetryScheduled(task_run_id="f", epoch=2, at_ms=T, due_ms=T + 5),
        e.TaskRunRetryScheduled(task_run_id="f", epoch=3, at_ms=T + 5, due_ms=T + 9),
        e.TaskRunEnded(task_run_id="f", state=State.FAILED, at_ms=T + 9),
    )
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert [a["state"]["current"] for a in run["attempts"]] == ["FAILED", "FAILED", "FAILED"]


def test_a_loop_until_shows_its_outputs_while_it_runs(steps: Any, fold: Fold, view: Connection) -> None:
    loop = e.TaskRunCreated(task_run_id="l", task_id="l", scope_id="root", state=State.RUNNING, at_ms=T)
    steps.step("e1", created(), loop)
    fold()
    steps.step("e1", e.TurnStarted(scope_id="l", turn=2, at_ms=T, outputs_json=b'{"iterationCount":1}'))
    fold()
    (run,) = execution(view, "e1")["taskRunList"]
    assert (run["outputs"], run["state"]["current"]) == ({"iterationCount": 1}, "RUNNING")


def test_labels_are_replaced(steps: Any, fold: Fold, view: Connection) -> None:
    steps.step("e1", created(labels={"a": "1", "b": "2"}))
    fold()
    steps.step("e1", e.LabelsUpdated(labels={"b": "3"}, at_ms=T))
    fold()
    assert execution(view, "e1")["labels"] == [{"key": "b", "value": "3"}]
    assert view.query("SELECT name, value FROM execution_labels") == [("b", "3")]


def test_variables_of_the_execution_count_instead_of_the_flows(steps: Any, fold: Fold, view: Connection) -> None:
    def variables() -> Any:
        return render.execution_json(queries.execution_row(view, "e1") or (), T, {"a": 1, "b": 2}).get("variables")

    steps.step("e1", created(variables_json=b'{"b":3}'))
    fold()
    assert variables() == {"a": 1, "b": 3}
    steps.step("e1", e.VariablesChanged(variables_json=b'{"c":4}', at_ms=T))
    fold()
    assert variables() == {"c": 4}
    steps.step("e2", created(), e.VariablesChanged(variables_json=b"{}", at_ms=T))
    fold()
    assert "variables" not in execution(view, "e2")


def test_a_refused_command_makes_no_execution(steps: Any, fold: Fold, view: Connection) -> None:
    steps.step("nobody", CommandRejected(reason=Reason.NOT_FOUND, message="no"))
    fold()
    assert queries.execution_row(view, "nobody") is None


def line(number: int, message: str = "m", task_run_id: str = "r") -> LogEntry:
    return LogEntry(
        id=f"r/1/{number}",
        execution_id="e1",
        namespace="demo",
        flow_id="hello",
        task_id="one",
        task_run_id=task_run_id,
        attempt=0,
        at_ms=T,
        level="INFO",
        thread="t",
        message=message,
        number=number,
    )


@pytest.mark.parametrize(("behavior", "level"), [("FAIL", "ERROR"), ("NONE", "WARN")])
def test_a_violated_sla_is_a_line_of_the_execution(
    steps: Any, fold: Fold, view: Connection, behavior: str, level: str
) -> None:
    violated = e.SlaViolated(once="1/0", sla_id="late", behavior=behavior, reason="it isn't over", at_ms=T)
    steps.step("e1", created(), violated)
    fold()

    lines = [render.line_json(row) for row in queries.lines_of(view, "e1", ALL)]
    assert [(line["level"], line["message"]) for line in lines] == [(level, "SLA late is violated: it isn't over")]
    assert "taskId" not in lines[0] and "taskRunId" not in lines[0]


def test_a_line_that_comes_twice_is_one_line_and_lines_keep_their_order(
    send: Any, fold: Fold, view: Connection
) -> None:
    for number in (2, 1, 2, 10):
        send("logs", "e1", line(number, f"m{number}"))
    fold()
    send("logs", "e1", line(1, "m1"))
    fold()
    assert [row[11] for row in queries.lines_of(view, "e1", ALL)] == ["m1", "m2", "m10"]


def test_metrics_are_kept(send: Any, fold: Fold, view: Connection) -> None:
    send(
        "metrics",
        "e1",
        MetricEntry(
            id="r/1/0",
            execution_id="e1",
            namespace="demo",
            flow_id="hello",
            task_id="one",
            task_run_id="r",
            at_ms=T,
            kind="counter",
            name="rows",
            value=3.0,
            tags_json=b'{"a":"b"}',
        ),
    )
    fold()
    rows, total = queries.metrics_of(view, "e1", ALL, Page(1, 10, "id"))
    assert total == 1
    found = msgspec.json.decode(msgspec.json.encode(render.metric_json(rows[0])))
    assert (found["name"], found["value"], found["type"], found["tags"]) == ("rows", 3.0, "counter", {"a": "b"})


def test_a_source_is_kept_byte_for_byte_and_a_deleted_flow_can_be_saved_again(
    flow_steps: Any, fold: Fold, view: Connection
) -> None:
    source = "id: hello\r\nnamespace: demo  # why\ndisabled: true\ndescription: d\nlabels: {a: b}\ntasks: []\n\n"

    def saved(revision: int) -> FlowSaved:
        return FlowSaved(namespace="demo", flow_id="hello", revision=revision, source=source, at_ms=T)

    flow_steps.step("demo/hello", saved(1))
    fold()
    assert queries.flow(view, "demo", "hello") == ("demo", "hello", 1, source, T, 0, 1, "d")
    assert view.query("SELECT name, value FROM flow_labels") == [("a", "b")]
    flow_steps.step("demo/hello", FlowDeleted(namespace="demo", flow_id="hello", revision=1, at_ms=T + 1))
    fold()
    assert queries.flow(view, "demo", "hello")[5] == 1  # type: ignore[index]
    flow_steps.step("demo/hello", saved(2))
    flow_steps.step("demo/hello", FlowDeleted(namespace="demo", flow_id="hello", revision=2, at_ms=T + 1))
    flow_steps.step("demo/hello", saved(3))
    fold()
    assert queries.flow(view, "demo", "hello")[2:6:3] == (3, 0)  # type: ignore[index]
    assert [number for number, _, _ in queries.revisions(view, "demo", "hello")] == [1, 2, 3]


def test_views_of_another_version_are_made_anew(database: Database, steps: Any, fold: Fold) -> None:
    steps.step("e1", created())
    fold()
    writer = database.writer()
    writer.execute("UPDATE views SET version = 0")
    database.prepare()
    assert writer.query("SELECT count(*) FROM executions") == [(0,)]
    fold()
    assert writer.query("SELECT count(*) FROM executions") == [(1,)]


def test_every_event_of_an_execution_is_shown_or_left_out_on_purpose() -> None:
    known = {
        each for each in vars(e).values() if isinstance(each, type) and issubclass(each, Event) and each is not Event
    }
    assert known - {each for each in known if each in execution_fold.FOLDS} == execution_fold.UNSEEN
