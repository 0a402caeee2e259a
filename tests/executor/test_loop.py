"""The executor's loop on the log in memory, with a clock that the test moves."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from engine.catalog.commands import SaveFlow
from engine.execution.commands import CreateExecution
from engine.execution.events import ExecutionCreated, ExecutionEnded
from engine.machine import Event
from executor import loop
from executor.leases import Leases
from executor.loop import Clocks, Executor, ExecutorSettings
from executor.state.memory import MemoryStore
from executor.timers import WINDOW_MS
from topics import catalog
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from topics.messages import Claim, Heartbeat, Step
from topics.ports import Ack
from topics.serde import codec, encode, message_of

AGAIN_MS = 1_000


class RefusingWriter:
    """Acknowledges nothing while its log is told to refuse, as on a disk that is full."""

    def __init__(self, log: RefusingLog, writer: Any) -> None:
        self._log = log
        self._writer = writer
        self._refused: list[Ack] = []

    def append(self, topic: str, partition: int, *args: Any, context: Any = None, **named: Any) -> None:
        if not self._log.refusing:
            self._writer.append(topic, partition, *args, context=context, **named)
            return
        self._log.claims += topic == catalog.EXECUTIONS_EVENTS and isinstance(named["message"], Claim)
        self._refused.append(Ack(topic, partition, None, context, "no space"))

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        if self._log.holding:
            return []
        refused, self._refused = self._refused, []
        return refused + self._writer.poll(timeout_s)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


class RefusingLog:
    def __init__(self) -> None:
        self._log = MemoryLog(catalog_partitions(1))
        self.refusing = False
        self.holding = False
        """Acknowledgements come later."""
        self.claims = 0
        """Of the executions' partition, while refusing."""

    def writer(self) -> RefusingWriter:
        return RefusingWriter(self, self._log.writer())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class Scene:
    """An executor, and what a client does to its log."""

    def __init__(self) -> None:
        self.log = RefusingLog()
        self.ms = 1_000_000
        clocks = Clocks(now_ms=lambda: self.ms, monotonic_ms=lambda: self.ms)
        settings = ExecutorSettings(name="executor-1")
        self.executor = Executor(self.log, MemoryStore(), settings, clocks)  # type: ignore[arg-type]

    def run(self, passes: int, ms_each: int = 0) -> None:
        for _ in range(passes):
            self.executor.run_once(0.0)
            self.ms += ms_each

    def write(self, key: str, value: bytes, topic: str = catalog.EXECUTIONS_INBOX) -> None:
        writer = self.log.writer()
        writer.append(topic, 0, key.encode(), value)
        writer.poll()

    def read(self, topic: str) -> list[Any]:
        reader = self.log.reader()
        reader.add(topic, 0, 0)
        return [message_of(record) for record in reader.poll(1_000, 0.0)]

    def events(self, execution_id: str) -> list[Event]:
        """Return what has happened to an execution."""
        steps = [step for step in self.read(catalog.EXECUTIONS_EVENTS) if isinstance(step, Step)]
        return [event for step in steps if step.id == execution_id for event in step.events]

    def created(self) -> list[str]:
        """Return which executions have begun to exist."""
        steps = [message for message in self.read(catalog.EXECUTIONS_EVENTS) if isinstance(message, Step)]
        return [step.id for step in steps if any(isinstance(event, ExecutionCreated) for event in step.events)]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(loop, "AGAIN_MS", AGAIN_MS)  # simulated worlds are in more of a hurry
    return Scene()


def test_a_log_that_goes_on_refusing_is_asked_once_a_second_and_the_log_of_the_process_stays_short(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.log.refusing = True
    with caplog.at_level(logging.WARNING):
        scene.run(1_000)
        at_once = scene.log.claims
        scene.run(1_000, ms_each=AGAIN_MS // 100)

    assert at_once == 2, "the first failure is tried again at once, as most of them pass"
    assert 9 <= scene.log.claims - at_once <= 11
    told = [record for record in caplog.records if "executions/0 is folded and claimed again" in record.message]
    assert len(told) == 2


def test_a_partition_is_owned_again_once_the_log_takes_records(scene: Scene) -> None:
    scene.log.refusing = True
    scene.run(1_000)
    scene.log.refusing = False

    scene.run(10)
    assert not any(partition.kind == "executions" for partition in scene.executor.owned())

    scene.ms += AGAIN_MS
    scene.run(10)
    assert any(partition.kind == "executions" for partition in scene.executor.owned())


CREATE = encode(CreateExecution(namespace="demo", flow_id="hello", revision=1))


def test_a_record_without_a_value_asks_for_nothing(scene: Scene) -> None:
    scene.run(10)
    scene.write("", b"")
    scene.write("first", CREATE)

    scene.run(10)

    assert scene.created() == ["first"]
    assert scene.read(catalog.DEAD_LETTERS) == []


def from_a_newer_version(value: bytes) -> bytes:
    """Return a message as a version would write it that has another schema for it."""
    return value[:2] + bytes(8) + value[10:]


def test_what_only_a_newer_version_can_read_stops_its_partition_until_it_can_be_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene.run(10)
    for key, value in (("before", CREATE), ("newer", from_a_newer_version(CREATE)), ("after", CREATE)):
        scene.write(key, value)
    with caplog.at_level(logging.ERROR):
        scene.run(1_000, ms_each=loop.UPGRADE_MS // 500)

    assert scene.created() == ["before"]
    assert scene.read(catalog.DEAD_LETTERS) == []
    assert "executions" not in [partition.kind for partition in scene.executor.owned()]
    told = [record.message for record in caplog.records]
    assert 2 <= len(told) <= 3
    assert all("executions.inbox/0 at offset 1" in each and "upgrade the executors" in each for each in told)

    monkeypatch.setitem(codec._decoders, from_a_newer_version(CREATE)[:10], codec._decoders[CREATE[:10]])
    scene.ms += loop.UPGRADE_MS
    scene.run(20)

    assert scene.created() == ["before", "newer", "after"]


def test_a_partition_that_rests_does_not_keep_the_process_busy(scene: Scene) -> None:
    scene.run(10)
    assert scene.executor._wait_s(1.0) == 1.0
    scene.write("newer", from_a_newer_version(CREATE))
    scene.run(10)
    assert scene.executor._wait_s(1.0) == 1.0


def test_a_record_that_is_no_message_goes_to_the_dead_letters(scene: Scene) -> None:
    scene.run(10)
    scene.write("broken", CREATE[:-1])
    scene.write("after", CREATE)
    scene.run(10)

    assert scene.created() == ["after"]
    assert [letter.key for letter in scene.read(catalog.DEAD_LETTERS)] == [b"broken"]


def test_a_worker_lives_as_long_as_it_is_heard_even_in_words_of_a_newer_version(scene: Scene) -> None:
    beat = from_a_newer_version(encode(Heartbeat(worker_id="w", at_ms=1, slots=1, running=0, queue="default")))
    leases = Leases(scene.log, lambda: scene.ms, 1_000)  # type: ignore[arg-type]
    for _ in range(5):
        scene.write("w", beat, catalog.WORKERS_LEASES)
        leases.poll()
        assert not leases.is_gone("w")
        scene.ms += 900
    scene.ms += 1_000
    leases.poll()
    assert leases.is_gone("w")


def test_a_timer_that_is_acknowledged_after_the_timers_have_loaded_on_is_fired_in_time(scene: Scene) -> None:
    scene.run(20)
    source = "id: f\nnamespace: n\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: x}]\n"
    save = SaveFlow(namespace="n", flow_id="f", source=source)
    scene.write("n/f", encode(save), catalog.FLOWS_INBOX)
    scene.run(5)
    due_ms = scene.ms + WINDOW_MS + 5_000
    create = CreateExecution(namespace="n", flow_id="f", revision=1, schedule_ms=due_ms)
    scene.write("later", encode(create))
    scene.log.holding = True
    scene.run(1)
    scene.ms = due_ms - 4_000
    scene.run(1)  # the timers that are due within the next minute are loaded, and this one isn't stored yet
    scene.log.holding = False
    scene.run(5)
    assert not any(isinstance(event, ExecutionEnded) for event in scene.events("later"))

    scene.ms = due_ms
    scene.run(5)

    assert any(isinstance(event, ExecutionEnded) for event in scene.events("later"))
