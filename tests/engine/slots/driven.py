"""The slots of one flow, driven by hand; recorded events must fold to the same rows."""

from __future__ import annotations

from typing import Any

from engine import machine
from engine.execution.commands import AnswerSlot
from engine.machine import Command, SendCommand, Step
from engine.slots import commands as c
from engine.slots.state import HEADER, Place, SlotsHeader, place_key
from engine.slots.step import SLOTS, step
from tests.engine.execution.driven import DictRows


class DrivenSlots:
    """The slots of the flow `test/flow`; `checked=False` leaves out what is costly when there are many."""

    def __init__(self, limit: int = 1, *, checked: bool = True) -> None:
        self.limit = limit
        self.checked = checked
        self.rows = DictRows()
        self.replayed = DictRows()

    def send(self, command: Command) -> Step:
        """Let a command be decided, and take the step in."""
        done = step("test/flow", self.rows, command, 1000)
        if self.checked:
            self._check(command, done)
        else:
            self.rows.apply(done.changed)
        return done

    def _check(self, command: Command, done: Step) -> None:
        assert done == step("test/flow", self.rows, command, 1000)
        self.rows.apply(done.changed)
        self.replayed.apply(machine.fold(SLOTS, self.replayed, done.events))
        assert self.replayed.rows == self.rows.rows

    def ask(self, who: str, number: int = 1, **fields: Any) -> dict[str, str]:
        """Ask for a slot; return what executions are told."""
        fields = {"revision": 1, "limit": self.limit, **fields}
        return told(self.send(c.AcquireSlot(execution_id=who, number=number, **fields)))

    def release(self, who: str, number: int = 1) -> dict[str, str]:
        """Give a slot back; return what executions are told."""
        return told(self.send(c.ReleaseSlot(execution_id=who, number=number)))

    @property
    def header(self) -> SlotsHeader:
        return self.rows.rows[HEADER]  # type: ignore[return-value]

    def place(self, who: str) -> Place | None:
        """Return the row of an execution."""
        return self.rows.rows.get(place_key(who))  # type: ignore[return-value]

    def holders(self) -> set[str]:
        """Return the executions that hold a slot."""
        return {row.execution_id for row in self.rows.rows.values() if isinstance(row, Place) and row.holds}

    def queue(self) -> list[str]:
        """Return the executions that wait, the first one first, read along the list in both directions."""
        there, back = [], []
        at = self.header.first
        while at:
            there.append(at)
            at = self._row(at).after
        at = self.header.last
        while at:
            back.append(at)
            at = self._row(at).before
        assert there == back[::-1] and len(there) == self.header.waiting
        return there

    def _row(self, who: str) -> Place:
        row = self.place(who)
        assert row is not None and not row.holds
        return row


def told(done: Step) -> dict[str, str]:
    """Return the answers of a step by execution."""
    found: dict[str, str] = {}
    for effect in done.effects:
        if isinstance(effect, SendCommand) and effect.kind == "flows":
            continue
        assert isinstance(effect, SendCommand) and isinstance(effect.command, AnswerSlot)
        assert effect.kind == "executions" and effect.command.scope == "test/flow"
        found[effect.id] = str(effect.command.answer)
    return found
