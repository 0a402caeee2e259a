"""Lines of an execution, found in the log among those of all others."""

from __future__ import annotations

from typing import Any

import pytest

from engine.execution import events as e
from engine.execution.log_line import LogLine
from engine.machine import Event
from engine.values import State
from topics import catalog, serde
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from topics.messages import Cause, Claim, LogEntry, Step
from worker import history
from worker.history import History, TooFarBack

CREATED = e.ExecutionCreated(namespace="n", flow_id="f", revision=1, at_ms=1_000)


class Recorded:
    """A log with one partition in which executions of several executors are written down."""

    def __init__(self) -> None:
        self.now = 1_000
        self.log = MemoryLog(catalog_partitions(1), now_ms=lambda: self.now)
        self._writer = self.log.writer()
        self._seqs: dict[str, int] = {}
        self.claim(1)

    def claim(self, epoch: int) -> None:
        self._append(catalog.EXECUTIONS_EVENTS, b"", serde.encode(Claim(epoch=epoch, owner="o")))

    def step(self, id: str, *events: Event, epoch: int = 1, seq: int | None = None) -> None:
        own = self._seqs.get(id, 0)
        step = Step(
            epoch=epoch,
            n=0,
            cause=Cause(kind="inbox", offset=0, request=""),
            id=id,
            seq=own if seq is None else seq,
            at_ms=self.now,
            namespace="n",
            flow="f",
            revision=1,
            events=events,
        )
        if seq is None:
            self._seqs[id] = own + len(events)
        self._append(catalog.EXECUTIONS_EVENTS, id.encode(), serde.encode_step("executions", step))

    def line(self, id: str, message: str, number: int = 0, at_ms: int = 0, level: str = "INFO") -> None:
        entry = LogEntry(
            id=f"r-work/1/{number}",
            execution_id=id,
            namespace="n",
            flow_id="f",
            task_id="work",
            task_run_id="r-work",
            attempt=1,
            at_ms=at_ms or self.now,
            level=level,
            thread="t",
            message=message,
            number=number,
        )
        self._append(catalog.LOGS, id.encode(), serde.encode(entry))

    def _append(self, topic: str, key: bytes, value: bytes) -> None:
        self._writer.append(topic, 0, key, value)
        while self._writer.outstanding:
            self._writer.poll(1.0)

    def read(self, id: str, **given: Any) -> list[tuple[str, str, str]] | None:
        found = History(self.log).read(id, given.get("wanted", lambda _: True), given.get("check", lambda: None))
        return None if found is None else [(line.task_id, line.level, line.message) for line in found.lines]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def decided(task: str, *messages: str, at_ms: int = 1_000) -> e.TaskRunDecided:
    lines = tuple(LogLine(level="INFO", message=message) for message in messages)
    return e.TaskRunDecided(
        task_run_id=f"r-{task}", task_id=task, scope_id="root", state=State.SUCCESS, at_ms=at_ms, logs=lines
    )


def test_lines_of_the_engine_and_of_workers_come_in_the_order_of_their_times(recorded: Recorded) -> None:
    recorded.step("x", CREATED, decided("a", "first", "second"))
    recorded.step("other", CREATED, decided("a", "not mine"))
    recorded.line("x", "of a worker", 0, at_ms=1_500)
    recorded.line("other", "not mine either", 1)
    recorded.step("x", decided("b", "third", at_ms=2_000))
    recorded.line("x", "late", 2, at_ms=3_000, level="ERROR")

    assert recorded.read("x") == [
        ("a", "INFO", "first"),
        ("a", "INFO", "second"),
        ("work", "INFO", "of a worker"),
        ("b", "INFO", "third"),
        ("work", "ERROR", "late"),
    ]
    assert recorded.read("x", wanted=lambda line: line.level == "ERROR") == [("work", "ERROR", "late")]
    assert recorded.read("y") is None


def test_a_line_of_a_task_run_that_began_before_has_its_task(recorded: Recorded) -> None:
    created = e.TaskRunCreated(task_run_id="r", task_id="t", scope_id="root", state=State.CREATED, at_ms=1)
    recorded.step("x", CREATED, created)
    ended = e.TaskRunEnded(
        task_run_id="r", state=State.FAILED, at_ms=2, logs=(LogLine(level="ERROR", message="broken"),)
    )
    recorded.step("x", ended)

    assert recorded.read("x") == [("t", "ERROR", "broken")]


def test_a_line_that_was_delivered_twice_is_one_line(recorded: Recorded) -> None:
    recorded.step("x", CREATED)
    recorded.line("x", "once", 0)
    recorded.line("x", "once", 0)
    assert recorded.read("x") == [("work", "INFO", "once")]


def test_steps_of_an_executor_that_lost_its_partition_do_not_count(recorded: Recorded) -> None:
    recorded.step("x", CREATED, decided("a", "first"))
    recorded.claim(2)
    recorded.step("x", decided("b", "in vain"), epoch=1, seq=2)
    recorded.step("x", decided("b", "second"), epoch=2)
    recorded.step("x", decided("b", "twice"), epoch=2, seq=2)
    recorded.step("x", CREATED, epoch=1, seq=0)
    recorded.step("x", decided("c", "third"), epoch=2)

    assert recorded.read("x") == [("a", "INFO", "first"), ("b", "INFO", "second"), ("c", "INFO", "third")]


def test_what_lies_before_the_execution_is_not_read(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topics.backwards.FIRST_RECORDS", 2)
    for number in range(20):
        recorded.line("x", "of a former life", number)
        recorded.step("other", decided("a"))
    recorded.now += 10 * history.SLACK_MS
    recorded.step("x", CREATED)
    recorded.line("x", "now", 30)
    recorded.line("x", "then", 31)
    looked: list[int] = []

    assert recorded.read("x", check=lambda: looked.append(1)) == [("work", "INFO", "now"), ("work", "INFO", "then")]
    assert len(looked) == 3


def test_an_execution_that_is_too_far_back_is_given_up(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "RECORDS_MAX", 3)
    recorded.step("x", CREATED)
    for _ in range(3):
        recorded.step("other", decided("a"))
    assert recorded.read("x") == []
    monkeypatch.setattr("topics.backwards.FIRST_RECORDS", 1)
    recorded.step("other", decided("a"))
    recorded.step("other", decided("a"))
    monkeypatch.setattr("topics.backwards.RECORDS_MAX", 2)
    with pytest.raises(TooFarBack, match="isn't among the last 3 records"):
        recorded.read("x")
