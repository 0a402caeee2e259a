"""Several executions that ask each other, driven by hand: what one sends is delivered to the other.

Messages may be held back, lost or delivered twice by the test; what rows say is outstanding can be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.outstanding import OUTSTANDING
from engine.execution.state import TaskRun
from engine.machine import SendCommand
from tests.engine.execution.driven import Driven, Script, flow_of

ROUNDS_MAX = 1_000


class Family:
    """Executions by id.

    Args:
        sources: Flows, the first of which begins.
        inputs: Of the first.
        twice: Deliver every message twice.
    """

    def __init__(self, *sources: str, inputs: Mapping[str, Any] | None = None, twice: bool = False) -> None:
        flows = [flow_of(source) for source in sources]
        self.flows = {(flow.namespace, flow.id): flow for flow in flows}
        self.twice = twice
        self.parent = Driven(flows[0], inputs, execution_id="parent")
        self.all: dict[str, Driven] = {"parent": self.parent}
        self.lost: list[SendCommand] = []
        self.losing = False
        self._seen: dict[str, int] = {}

    def run(self, script: Script | None = None) -> Family:
        """Create the first, and let all go on until nothing happens any more."""
        self.create()
        return self.go_on(script)

    def create(self) -> None:
        """Create the first."""
        flow = self.parent.flow
        assert flow is not None
        self.parent.send(
            c.CreateExecution(
                namespace=flow.namespace,
                flow_id=flow.id,
                revision=1,
                inputs_json=msgspec.json.encode(self.parent.inputs),
                raw=True,
            )
        )

    def go_on(self, script: Script | None = None, until_ms: int | None = None) -> Family:
        """Deliver, work and let time pass until nothing happens any more."""
        for _ in range(ROUNDS_MAX):
            moved = self.deliver()
            now_ms = max(each.now_ms for each in self.all.values())
            for each in list(self.all.values()):
                each.now_ms = now_ms
                while each.waiting:
                    each.work(script or {})
                    moved = True
            if moved:
                continue
            timers = [due for each in self.all.values() for due in each.timers().values()]
            if not timers or (until_ms is not None and min(timers) > until_ms):
                return self
            for each in list(self.all.values()):
                while each.timers() and min(each.timers().values()) <= min(timers):
                    each.fire_next()
        raise AssertionError("they never come to rest")

    def deliver(self) -> bool:
        """Deliver what was sent since the last time; True if there was something."""
        sent: list[SendCommand] = []
        for id, each in list(self.all.items()):
            begin = self._seen.get(id, 0)
            sent += [effect for effect in each.effects[begin:] if isinstance(effect, SendCommand)]
            self._seen[id] = len(each.effects)
        if self.losing:
            self.lost += sent
            return False
        for effect in sent:
            for _ in range(1 + self.twice):
                self.hand(effect)
        return bool(sent)

    def hand(self, effect: SendCommand) -> None:
        """Deliver one message; what isn't for an execution is left to the test."""
        if effect.kind != "executions":
            return
        command = effect.command
        known = self.all.get(effect.id)
        if known is None or (isinstance(command, c.CreateExecution) and not known.rows.rows):
            named = isinstance(command, c.CreateExecution)
            flow = self.flows.get((command.namespace, command.flow_id)) if named else None
            known = self.all[effect.id] = Driven(flow, execution_id=effect.id)
            known.now_ms = self.parent.now_ms
        known.send(command)

    def say_again(self) -> None:
        """Send everything that rows say is outstanding, as a new owner of the partitions would."""
        for each in list(self.all.values()):
            for key, row in list(each.rows.rows.items()):
                waits = OUTSTANDING.get(key.partition("/")[0])
                outstanding = waits(row) if waits is not None and not isinstance(row, TaskRun) else None
                if outstanding is not None:
                    each.effects.append(outstanding.effect)

    @property
    def children(self) -> list[Driven]:
        """Executions that exist besides the first, in the order of their beginnings."""
        return [each for id, each in self.all.items() if id != "parent" and each.of(e.ExecutionCreated)]

    @property
    def child(self) -> Driven:
        """The only one."""
        (found,) = self.children
        return found
