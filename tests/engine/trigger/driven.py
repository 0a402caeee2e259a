"""The triggers of a flow driven by hand: commands go in, events come out, time is the test's.

After every step it holds that deciding is deterministic and that the recorded events, after they were bytes, fold
to the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from engine import machine
from engine.execution.commands import CreateExecution
from engine.execution.draft import Setting
from engine.flow import parse_flow
from engine.flow.model import Flow
from engine.machine import Command, Event, SendCommand, Step, Timer
from engine.trigger.commands import FireTimer
from engine.trigger.step import TRIGGERS, step
from tests.engine.execution.driven import DictRows
from topics import messages
from topics.serde import decode, encode_step

Kind = TypeVar("Kind", bound=Event)


def flow_of(triggers: str, more: str = "", flow_id: str = "listener", namespace: str = "own") -> Flow:
    """Return a flow with these triggers (the YAML of a list)."""
    task = "{id: t, type: io.kestra.plugin.core.log.Log, message: x}"
    source = f"id: {flow_id}\nnamespace: {namespace}\ntasks: [{task}]\n"
    parsed = parse_flow(f"{source}{more}\ntriggers:\n{triggers}")
    assert parsed.flow is not None and not parsed.errors, parsed.errors
    return parsed.flow


class Triggers:
    """The triggers of one flow."""

    def __init__(self, flow: Flow | None, at_ms: int = 1_000_000) -> None:
        self.flow = flow
        self.uid = f"{flow.namespace}/{flow.id}" if flow is not None else "own/listener"
        self.now_ms = at_ms
        self.rows = DictRows()
        self.replayed = DictRows()
        self.events: list[Event] = []
        self.effects: list[machine.Effect] = []

    def send(self, command: Command) -> Step:
        """Let a command be decided, and take the step in."""
        setting = Setting(flow=self.flow)
        done = step(self.uid, self.rows, command, self.now_ms, setting)
        assert done == step(self.uid, self.rows, command, self.now_ms, setting), "deciding twice gives different steps"
        self.rows.apply(done.changed)
        if done.events:
            self.replayed.apply(machine.fold(TRIGGERS, self.replayed, self._recorded(done)))
        assert self.replayed.rows == self.rows.rows, "recorded events fold to other rows"
        self.events.extend(done.events)
        self.effects.extend(done.effects)
        return done

    def _recorded(self, done: Step) -> tuple[Any, ...]:
        record = messages.Step(
            epoch=1,
            n=0,
            cause=messages.Cause(kind="inbox", offset=0),
            id=self.uid,
            seq=0,
            at_ms=self.now_ms,
            namespace="own",
            flow="listener",
            revision=1,
            events=done.events,
        )
        read = decode(encode_step("triggers", record))
        assert isinstance(read, messages.Step)
        return read.events

    def timers(self) -> dict[str, int]:
        """Return when which timer is due; the one that only says how things are is left out."""
        found = {key[2:]: row.due_ms for key, row in self.rows.rows.items() if isinstance(row, Timer)}
        found.pop("keep", None)
        return found

    def fire(self, until_ms: int) -> None:
        """Let time pass, and timers fire in their order."""
        while True:
            due = [(at, timer_id) for timer_id, at in self.timers().items() if at <= until_ms]
            if not due:
                self.now_ms = until_ms
                return
            at, timer_id = min(due)
            self.now_ms = max(self.now_ms, at)
            self.send(FireTimer(timer_id=timer_id, generation=at))

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def created(self) -> list[tuple[str, CreateExecution]]:
        """Return what was asked for, as (execution id, command)."""
        return [
            (effect.id, effect.command)
            for effect in self.effects
            if isinstance(effect, SendCommand) and isinstance(effect.command, CreateExecution)
        ]


def variables_of(command: CreateExecution) -> Mapping[str, Any]:
    """Return what the execution reads as `trigger`."""
    found: Mapping[str, Any] = msgspec.json.decode(command.trigger_json)["variables"]
    return found
