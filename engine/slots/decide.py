"""The rules of slots: first come, first served, never more than the limit, and every request answered.

Whoever asks again is answered again, and whoever gives back what it doesn't have is told so: what gets lost between
this aggregate and the executions is said once more, and harms nothing when it wasn't lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.catalog.commands import NoteLimitFollowed
from engine.execution.commands import SlotAnswer
from engine.machine import Command, Draft, SendCommand
from engine.slots import commands as c
from engine.slots import events as e
from engine.slots.react import answer
from engine.slots.state import HEADER, Place, SlotsHeader, place_key

GRANTS_MAX = 100
"""Of one step: more than one only follows a raised limit. Those granted bring the next ones when they end."""


def acquire_slot(draft: Draft, command: c.AcquireSlot) -> None:
    """Grant a slot, let the execution wait, or refuse it."""
    place = _place(draft, command.execution_id)
    if place is not None and place.number > command.number:
        return
    if place is not None and place.number < command.number:
        _vacate(draft, place)
        place = None
    _take_limit(draft, command)
    _grant_waiting(draft)
    header: SlotsHeader = draft.get(HEADER)
    place = _place(draft, command.execution_id) if place is not None else None
    if place is not None and (place.holds or not command.forced):
        _answer(draft, command.execution_id, command.number, SlotAnswer.GRANTED if place.holds else SlotAnswer.QUEUED)
    elif command.forced or (_has_room(header) and not header.waiting):
        _grant(draft, command.execution_id, command.number, forced=command.forced)
    elif command.behavior == "QUEUE":
        draft.emit(
            e.SlotAwaited(scope=draft.id, execution_id=command.execution_id, number=command.number, at_ms=draft.at_ms)
        )
    else:
        _answer(draft, command.execution_id, command.number, SlotAnswer.REFUSED)


def follow_limit(draft: Draft, command: c.FollowLimit) -> None:
    """Grant what a new limit allows; slots that nobody ever asked for needn't know it."""
    if draft.get(HEADER) is not None:
        _take_limit(draft, command)
        _grant_waiting(draft)
    noted = NoteLimitFollowed(revision=command.revision)
    draft.answers.append(SendCommand(kind="flows", id=draft.id, command=noted))


def confirm_slot(draft: Draft, command: c.ConfirmSlot) -> None:
    """Stop telling an execution of its slot."""
    place = _place(draft, command.execution_id)
    if place is not None and place.holds and not place.confirmed and place.number == command.number:
        draft.emit(e.SlotConfirmed(execution_id=place.execution_id, number=place.number))


def release_slot(draft: Draft, command: c.ReleaseSlot) -> None:
    """Take a slot or a place in the queue back, and grant the slot to whoever is next."""
    place = _place(draft, command.execution_id)
    if place is not None and place.number <= command.number:
        _vacate(draft, place)
        _grant_waiting(draft)
    if place is None or place.number != command.number:
        _answer(draft, command.execution_id, command.number, SlotAnswer.RETURNED)


def _take_limit(draft: Draft, command: c.AcquireSlot | c.FollowLimit) -> None:
    header: SlotsHeader | None = draft.get(HEADER)
    if header is None or header.revision < command.revision:
        draft.emit(
            e.SlotLimitChanged(scope=draft.id, limit=command.limit, revision=command.revision, at_ms=draft.at_ms)
        )


def _has_room(header: SlotsHeader) -> bool:
    return not header.limit or header.held < header.limit


def _grant_waiting(draft: Draft) -> None:
    for _ in range(GRANTS_MAX):
        header: SlotsHeader = draft.get(HEADER)
        if not _has_room(header) or not header.waiting:
            return
        place: Place = draft.get(place_key(header.first))
        _grant(draft, place.execution_id, place.number, waited=True)


def _grant(draft: Draft, execution_id: str, number: int, *, waited: bool = False, forced: bool = False) -> None:
    draft.emit(
        e.SlotGranted(
            scope=draft.id,
            execution_id=execution_id,
            number=number,
            at_ms=draft.at_ms,
            waited=waited,
            forced=forced,
        )
    )


def _vacate(draft: Draft, place: Place) -> None:
    draft.emit(e.SlotVacated(scope=draft.id, execution_id=place.execution_id, number=place.number, at_ms=draft.at_ms))


def _answer(draft: Draft, execution_id: str, number: int, said: SlotAnswer) -> None:
    draft.answers.append(answer(draft.id, execution_id, number, said))


def _place(draft: Draft, execution_id: str) -> Place | None:
    place: Place | None = draft.get(place_key(execution_id))
    return place


DECIDERS: Mapping[type[Command], Callable[[Any, Any], None]] = {
    c.AcquireSlot: acquire_slot,
    c.FollowLimit: follow_limit,
    c.ConfirmSlot: confirm_slot,
    c.ReleaseSlot: release_slot,
}
