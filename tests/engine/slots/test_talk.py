"""Executions and the slots of their flow, with every message lost, doubled, late or out of order at times."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.outstanding import OUTSTANDING as OF_EXECUTIONS
from engine.execution.state import SLOT
from engine.machine import Command, SendCommand
from engine.slots.react import OUTSTANDING as OF_SLOTS
from engine.slots.state import Place
from engine.values import State
from tests.engine.execution.driven import Driven
from tests.engine.slots.driven import DrivenSlots

FLOW = """
concurrency: {limit: 2, behavior: %s}
tasks:
  - {id: a, type: Work, script: a}
afterExecution:
  - {id: z, type: Log, message: over}
"""


class Talk:
    """Some executions of a flow with a limit of two, and a network that does what it likes."""

    def __init__(self, seed: int, behavior: str) -> None:
        self.rnd = random.Random(seed)
        self.slots = DrivenSlots(limit=2)
        self.executions = [Driven(FLOW % behavior, execution_id=f"e{i}", checked=False) for i in range(6)]
        self.on_the_way: list[SendCommand] = []
        self.storm = True

    def deliver(self) -> None:
        """Let a message arrive, or not, or again."""
        at = self.rnd.randrange(len(self.on_the_way)) if self.storm else 0
        message = self.on_the_way[at] if self.storm and self.rnd.random() < 0.2 else self.on_the_way.pop(at)
        if self.storm and self.rnd.random() < 0.2:
            return
        if message.kind == "slots":
            assert message.id == "test/flow"
            self.take(self.slots.send(message.command).effects)
        else:
            execution = next(each for each in self.executions if each.id == message.id)
            self.send(execution, message.command)

    def send(self, execution: Driven, command: Command) -> None:
        self.take(execution.send(command).effects)
        self.check()

    def take(self, effects: tuple[Any, ...]) -> None:
        self.on_the_way += [effect for effect in effects if isinstance(effect, SendCommand)]

    def say_again(self) -> None:
        """Say what is outstanding, wherever it is."""
        for execution in self.executions:
            row = execution.rows.rows.get(SLOT)
            waits = OF_EXECUTIONS["c"](row) if row is not None else None
            self.take((waits.effect,) if waits is not None else ())
        for row in list(self.slots.rows.rows.values()):
            waits = OF_SLOTS["p"](row) if isinstance(row, Place) else None
            self.take((waits.effect,) if waits is not None else ())

    def act(self) -> None:
        """Let somebody or a worker do something to an execution."""
        execution = self.rnd.choice(self.executions)
        if not execution.events:
            before = len(execution.steps)
            execution.create()
            self.take(execution.steps[before].effects)
        elif execution.waiting and self.rnd.random() < 0.7:
            before = len(execution.steps)
            execution.work({"a": self.rnd.choice([State.SUCCESS, State.FAILED])})
            for step in execution.steps[before:]:
                self.take(step.effects)
        elif self.storm:
            commands = [c.KillExecution(), c.RestartExecution(), c.PauseExecution(), c.ResumeExecution()]
            self.send(execution, self.rnd.choice([*commands, c.ForceRunExecution()]))
        elif execution.state is State.PAUSED:
            self.send(execution, c.ResumeExecution())
        self.check()

    def check(self) -> None:
        """Never do more than two run, those left out that were forced to."""
        running = []
        for execution in self.executions:
            row: Any = execution.rows.rows.get(SLOT)
            if execution.events and not execution.header.settled and _has_begun(execution) and not row.forced:
                running.append(execution.id)
        assert len(running) <= 2, running

    def run(self) -> None:
        for _ in range(300):
            dice = self.rnd.random()
            if dice < 0.6 and self.on_the_way:
                self.deliver()
            elif dice < 0.7:
                self.say_again()
            else:
                self.act()
        self.storm = False
        for _ in range(400):
            while self.on_the_way:
                self.deliver()
            self.say_again()
            self.act()


def _has_begun(execution: Driven) -> bool:
    """Tell whether it began after it was created or restarted the last time."""
    for event in reversed(execution.events):
        if isinstance(event, e.ExecutionStateChanged) and event.state is State.RUNNING:
            return True
        if isinstance(event, e.ExecutionRestarted | e.ExecutionCreated):
            return False
    return False


@pytest.mark.parametrize("behavior", ["QUEUE", "CANCEL", "FAIL"])
@pytest.mark.parametrize("seed", range(40))
def test_whatever_gets_lost_no_limit_is_exceeded_all_executions_end_and_all_slots_are_back(
    seed: int, behavior: str
) -> None:
    talk = Talk(seed, behavior)
    talk.run()

    assert [execution.header.settled for execution in talk.executions] == [True] * 6
    assert [row for row in talk.slots.rows.rows.values() if isinstance(row, Place)] == []
    assert (talk.slots.header.held, talk.slots.header.waiting) == (0, 0)
    assert [execution.rows.rows.get(SLOT) for execution in talk.executions] == [None] * 6
