"""What executions are told of their slots, and what is told again until they have answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.execution.commands import AnswerSlot, SlotAnswer
from engine.machine import Effect, Event, Outstanding, Reactor, SendCommand
from engine.slots import events as e
from engine.slots.state import Place

NEXT_AGAIN_MS = 5_000
"""An execution that waited for its turn keeps a slot idle until it hears of it."""
GRANT_AGAIN_MS = 60_000
"""One that was granted its slot when it asked asks again itself; it is told again, and confirms, in case that it had
given the slot back by the time that a belated request of it came."""
GRANT_AGAIN_MAX_MS = 600_000


def answer(scope: str, execution_id: str, number: int, said: SlotAnswer) -> SendCommand:
    """Return the effect that tells an execution about its request."""
    return SendCommand(kind="executions", id=execution_id, command=AnswerSlot(scope=scope, number=number, answer=said))


def slot_granted(event: e.SlotGranted) -> tuple[Effect, ...]:
    """The execution may run."""
    return (answer(event.scope, event.execution_id, event.number, SlotAnswer.GRANTED),)


def slot_awaited(event: e.SlotAwaited) -> tuple[Effect, ...]:
    """The execution shows that it waits."""
    return (answer(event.scope, event.execution_id, event.number, SlotAnswer.QUEUED),)


def slot_vacated(event: e.SlotVacated) -> tuple[Effect, ...]:
    """The execution needn't say again that it has no use for it."""
    return (answer(event.scope, event.execution_id, event.number, SlotAnswer.RETURNED),)


def place(row: Place) -> Outstanding | None:
    """An execution that may not know of its slot."""
    if not row.holds or row.confirmed:
        return None
    granted = answer(row.scope, row.execution_id, row.number, SlotAnswer.GRANTED)
    return Outstanding(granted, NEXT_AGAIN_MS if row.waited else GRANT_AGAIN_MS, GRANT_AGAIN_MAX_MS)


REACTORS: dict[type[Event], Reactor] = {
    e.SlotGranted: slot_granted,
    e.SlotAwaited: slot_awaited,
    e.SlotVacated: slot_vacated,
}

OUTSTANDING: Mapping[str, Callable[[Any], Outstanding | None]] = {"p": place}
