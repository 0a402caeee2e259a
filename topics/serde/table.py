"""The table of messages: which classes travel, under which names, and which events make up which step.

Owns the list of modules that define messages. A class written into one of them travels without further ado; a new
module is added here.
"""

from __future__ import annotations

from types import ModuleType

import msgspec

import engine.catalog.commands
import engine.catalog.events
import engine.execution.commands
import engine.execution.events
import engine.slots.commands
import engine.slots.events
import engine.trigger.commands
import engine.trigger.events
import topics.messages
from engine.machine import Command, Event
from topics.messages import Message, Step
from topics.serde import shapes


class Kind(msgspec.Struct, frozen=True):
    """A kind of aggregate, as far as its messages go."""

    step: str
    """Name of its step's schema."""
    commands: ModuleType
    events: ModuleType


KINDS: dict[str, Kind] = {
    "executions": Kind("ExecutionStep", engine.execution.commands, engine.execution.events),
    "triggers": Kind("TriggerStep", engine.trigger.commands, engine.trigger.events),
    "flows": Kind("FlowStep", engine.catalog.commands, engine.catalog.events),
    "slots": Kind("SlotsStep", engine.slots.commands, engine.slots.events),
}
"""By the prefix of their topics, as in `topics/catalog.py`."""


def classes_in(module: ModuleType, base: type[msgspec.Struct]) -> tuple[type[msgspec.Struct], ...]:
    """Return the messages that a module holds: the subclasses of `base` that no other class of it extends, by name."""
    found = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, base)]
    leaves = {each for each in found if each is not base and not any(each in other.__bases__ for other in found)}
    return tuple(sorted(leaves, key=lambda each: each.__name__))


def _records() -> dict[str, shapes.Record]:
    found: dict[str, shapes.Record] = {}

    def add(record: shapes.Record) -> None:
        other = found.setdefault(record.name, record)
        if other.cls is not record.cls:
            raise TypeError(f"Two messages are called {record.name}: {other.cls} and {record.cls}")

    for cls in classes_in(topics.messages, Message):
        if cls is not Step:
            add(shapes.record(cls))
    for kind in KINDS.values():
        for cls in (*classes_in(kind.commands, Command), *classes_in(kind.events, Event)):
            add(shapes.record(cls))
        events = shapes.Array(shapes.union(classes_in(kind.events, Event)))
        add(shapes.record(Step, name=kind.step, replaced={"events": events}))
    return dict(sorted(found.items()))


RECORDS: dict[str, shapes.Record] = _records()
"""Shape of every message by the name of its schema."""

MESSAGES: dict[str, type[msgspec.Struct]] = {name: record.cls for name, record in RECORDS.items()}
"""Class of every message by the name of its schema. `Step` stands here once per kind: ExecutionStep, FlowStep
and so on."""
