"""Triggers on the log in memory: what is lost on the way, or with an executor, is said again."""

from __future__ import annotations

from typing import Any

import pytest

from engine.catalog.commands import DeleteFlow, SaveFlow
from engine.execution.commands import CreateExecution
from engine.execution.events import ExecutionCreated
from engine.machine import Command
from engine.trigger.commands import FollowFlow, NoteExecutionEnded, NoteExecutionStarted, NoteUpstream, SwitchTrigger
from engine.trigger.events import TriggerFired
from executor.loop import Clocks, Executor, ExecutorSettings
from executor.state.memory import MemoryStore
from topics import catalog
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from topics.messages import Step
from topics.serde import encode, message_of

FLOW = "io.kestra.plugin.core.trigger.Flow"
TASKS = "tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: x}]\n"


class LossyWriter:
    """Loses records with certain commands while its log is told to."""

    def __init__(self, log: LossyLog, writer: Any) -> None:
        self._log = log
        self._writer = writer

    def append(self, *args: Any, message: Any = None, **named: Any) -> None:
        if isinstance(message, self._log.losing):
            self._log.lost.append(message)
        else:
            self._writer.append(*args, message=message, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


class LossyLog:
    def __init__(self, log: Any) -> None:
        self._log = log
        self.losing: tuple[type, ...] = ()
        self.lost: list[Any] = []

    def writer(self) -> LossyWriter:
        return LossyWriter(self, self._log.writer())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class Scene:
    """Executors, one after the other, and what a client does to their log."""

    def __init__(self) -> None:
        self.ms = 1_767_225_600_000
        self.log = MemoryLog(catalog_partitions(2), now_ms=lambda: self.ms)
        self.client = self.log.writer(member="client")
        self.lossy: LossyLog
        self.executor: Executor
        self.number = 0
        self.start()

    def start(self) -> None:
        self.number += 1
        member = f"executor{self.number}"
        self.lossy = LossyLog(self.log.as_member(member))
        clocks = Clocks(now_ms=lambda: self.ms, monotonic_ms=lambda: self.ms)
        self.executor = Executor(self.lossy, MemoryStore(), ExecutorSettings(name=member), clocks)  # type: ignore[arg-type]

    def dies(self) -> None:
        """Kill the executor with all that it kept, and start another one."""
        self.log.crash(f"executor{self.number}")
        self.start()

    def run(self, passes: int = 40, ms_each: int = 0) -> None:
        for _ in range(passes):
            self.executor.run_once(0.0)
            self.ms += ms_each

    def send(self, topic: str, key: str, command: Command) -> None:
        partition = catalog.partition_of(key.encode(), self.log.partitions(topic))
        self.client.append(topic, partition, key.encode(), encode(command))
        self.client.poll()

    def save(self, flow_id: str, source: str) -> None:
        save = SaveFlow(namespace="n", flow_id=flow_id, source=f"id: {flow_id}\nnamespace: n\n{TASKS}{source}")
        self.send(catalog.FLOWS_INBOX, f"n/{flow_id}", save)
        self.run()

    def create(self, flow_id: str, execution_id: str) -> None:
        create = CreateExecution(namespace="n", flow_id=flow_id, revision=1)
        self.send(catalog.EXECUTIONS_INBOX, execution_id, create)

    def steps(self, topic: str) -> list[Step]:
        reader = self.log.reader()
        for partition in range(self.log.partitions(topic)):
            reader.add(topic, partition, 0)
        messages = [message_of(record) for record in reader.poll(10_000, 0.0)]
        return [message for message in messages if isinstance(message, Step)]

    def created(self, flow_id: str) -> list[str]:
        """Return the executions of a flow."""
        return [
            step.id
            for step in self.steps(catalog.EXECUTIONS_EVENTS)
            for event in step.events
            if isinstance(event, ExecutionCreated) and event.flow_id == flow_id
        ]

    def waiting(self) -> int:
        """Return how many rows wait for an answer."""
        return sum(len(partition.requests) for partition in self.executor.owned())


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.run()
    return made


AFTER = f"triggers: [{{id: after, type: {FLOW}, dependsOn: [{{flowId: up}}]}}]\n"
BOTH = f"triggers: [{{id: both, type: {FLOW}, dependsOn: [{{flowId: up}}, {{flowId: other}}]}}]\n"


def test_a_flow_that_was_saved_before_an_execution_was_asked_for_hears_of_it(scene: Scene) -> None:
    scene.save("up", "")
    scene.save("listener", AFTER)
    scene.create("up", "one")
    scene.run()

    assert len(scene.created("listener")) == 1
    assert scene.waiting() == 0


def test_a_deleted_flow_hears_nothing_any_more(scene: Scene) -> None:
    scene.save("up", "")
    scene.save("listener", AFTER)
    scene.send(catalog.FLOWS_INBOX, "n/listener", DeleteFlow(namespace="n", flow_id="listener"))
    scene.run()
    scene.create("up", "one")
    scene.run()

    assert scene.created("listener") == []


@pytest.mark.parametrize("dies", [False, True])
def test_a_listener_is_reached_although_what_it_was_told_was_lost(scene: Scene, dies: bool) -> None:
    scene.save("up", "")
    scene.save("listener", AFTER)
    scene.create("up", "one")
    scene.lossy.losing = (CreateExecution,)
    scene.run()
    assert scene.lossy.lost and scene.created("listener") == []

    if dies:
        scene.dies()
    else:
        scene.lossy.losing = ()
    scene.run(100, ms_each=500)

    assert len(scene.created("listener")) == 1
    assert scene.waiting() == 0


@pytest.mark.parametrize("losing", [NoteUpstream, CreateExecution])
def test_what_comes_together_starts_one_execution_although_executors_die(scene: Scene, losing: type) -> None:
    scene.save("up", "")
    scene.save("other", "")
    scene.save("listener", BOTH)
    for flow_id, execution_id in (("up", "one"), ("other", "two")):
        scene.create(flow_id, execution_id)
        scene.lossy.losing = (losing,)
        scene.run()
        scene.dies()
        scene.run(100, ms_each=500)

    assert len(scene.created("listener")) == 1
    assert scene.waiting() == 0


EVERY_MINUTE = 'triggers: [{id: tick, type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * *"}]\n'
MINUTE = 60_000


def test_a_schedule_starts_an_execution_for_each_date(scene: Scene) -> None:
    scene.save("scheduled", EVERY_MINUTE)
    scene.run(100, ms_each=2_000)

    assert len(scene.created("scheduled")) == 3
    assert scene.waiting() == 0


@pytest.mark.parametrize("losing", [FollowFlow, CreateExecution, NoteExecutionStarted, NoteExecutionEnded])
def test_a_date_brings_one_execution_although_executors_die(scene: Scene, losing: type) -> None:
    scene.lossy.losing = (losing,)
    scene.save("scheduled", EVERY_MINUTE)
    scene.run(40, ms_each=2_000)
    assert scene.lossy.lost
    scene.dies()
    scene.run(200, ms_each=2_000)

    created = scene.created("scheduled")
    dates = {
        event.trigger_id + str(event.execution_id)
        for step in scene.steps(catalog.TRIGGERS_EVENTS)
        for event in step.events
        if isinstance(event, TriggerFired)
    }
    assert len(created) == len(set(created)) == len(dates) >= 6
    assert scene.waiting() == 0


def test_dates_that_passed_while_no_executor_was_there_come_when_there_is_one(scene: Scene) -> None:
    scene.save("scheduled", EVERY_MINUTE)
    scene.run(1)
    scene.dies()
    scene.ms += 10 * MINUTE
    scene.run(100)

    assert len(scene.created("scheduled")) == 10


def test_a_deleted_flow_starts_nothing_any_more(scene: Scene) -> None:
    scene.save("scheduled", EVERY_MINUTE)
    scene.send(catalog.FLOWS_INBOX, "n/scheduled", DeleteFlow(namespace="n", flow_id="scheduled"))
    scene.run(100, ms_each=2_000)

    assert scene.created("scheduled") == []
    assert scene.waiting() == 0


def test_a_process_without_triggers_starts_nothing(scene: Scene) -> None:
    scene.dies()
    clocks = Clocks(now_ms=lambda: scene.ms, monotonic_ms=lambda: scene.ms)
    settings = ExecutorSettings(name="alone", triggers=False)
    scene.executor = Executor(scene.log.as_member("alone"), MemoryStore(), settings, clocks)
    scene.run()
    scene.save("scheduled", EVERY_MINUTE)
    scene.run(100, ms_each=2_000)

    assert scene.created("scheduled") == []


def test_a_task_turns_a_trigger_off_although_what_it_says_is_lost(scene: Scene) -> None:
    toggle = "io.kestra.plugin.core.trigger.Toggle"
    scene.save("scheduled", EVERY_MINUTE)
    source = f"id: stops\nnamespace: n\ntasks: [{{id: t, type: {toggle}, flowId: scheduled, trigger: tick}}]\n"
    scene.send(catalog.FLOWS_INBOX, "n/stops", SaveFlow(namespace="n", flow_id="stops", source=source))
    scene.run()
    scene.lossy.losing = (SwitchTrigger,)
    scene.create("stops", "one")
    scene.run()
    assert scene.lossy.lost
    scene.dies()
    scene.run(100, ms_each=2_000)

    assert len(scene.created("scheduled")) <= 1
    assert scene.waiting() == 0
