"""How events of slots change the rows."""

from __future__ import annotations

from msgspec.structs import replace

from engine.machine import Changes, CommandRejected, Event, Evolver, Rows, rejected_changes_nothing
from engine.slots import events as e
from engine.slots.state import HEADER, Place, SlotsHeader, place_key


def slot_limit_changed(rows: Rows, event: e.SlotLimitChanged) -> Changes:
    """Take the limit over, or begin with it."""
    header: SlotsHeader | None = rows.get(HEADER)
    if header is None:
        yield HEADER, SlotsHeader(limit=event.limit, revision=event.revision)
    else:
        yield HEADER, replace(header, limit=event.limit, revision=event.revision)


def slot_granted(rows: Rows, event: e.SlotGranted) -> Changes:
    """The execution holds a slot, and waits no longer if it did."""
    header: SlotsHeader = rows.get(HEADER)
    place: Place | None = rows.get(place_key(event.execution_id))
    if place is not None:
        yield from neighbours(rows, place)
        header = without(header, place)
    yield HEADER, replace(header, held=header.held + 1)
    yield (
        place_key(event.execution_id),
        Place(
            scope=event.scope,
            execution_id=event.execution_id,
            number=event.number,
            holds=True,
            waited=event.waited,
        ),
    )


def slot_awaited(rows: Rows, event: e.SlotAwaited) -> Changes:
    """The execution is the last of the list."""
    header: SlotsHeader = rows.get(HEADER)
    if header.last:
        yield place_key(header.last), replace(rows.get(place_key(header.last)), after=event.execution_id)
    yield (
        HEADER,
        replace(header, waiting=header.waiting + 1, first=header.first or event.execution_id, last=event.execution_id),
    )
    yield (
        place_key(event.execution_id),
        Place(
            scope=event.scope,
            execution_id=event.execution_id,
            number=event.number,
            holds=False,
            before=header.last,
        ),
    )


def slot_confirmed(rows: Rows, event: e.SlotConfirmed) -> Changes:
    """Remember that it knows."""
    yield place_key(event.execution_id), replace(rows.get(place_key(event.execution_id)), confirmed=True)


def slot_vacated(rows: Rows, event: e.SlotVacated) -> Changes:
    """Forget the execution."""
    header: SlotsHeader = rows.get(HEADER)
    place: Place = rows.get(place_key(event.execution_id))
    if place.holds:
        yield HEADER, replace(header, held=header.held - 1)
    else:
        yield from neighbours(rows, place)
        yield HEADER, without(header, place)
    yield place_key(event.execution_id), None


def neighbours(rows: Rows, place: Place) -> Changes:
    """Join the rows before and after one that leaves the list."""
    if place.before:
        yield place_key(place.before), replace(rows.get(place_key(place.before)), after=place.after)
    if place.after:
        yield place_key(place.after), replace(rows.get(place_key(place.after)), before=place.before)


def without(header: SlotsHeader, place: Place) -> SlotsHeader:
    """Return the header after a row has left the list."""
    return replace(
        header,
        waiting=header.waiting - 1,
        first=header.first if place.before else place.after,
        last=header.last if place.after else place.before,
    )


EVOLVERS: dict[type[Event], Evolver] = {
    CommandRejected: rejected_changes_nothing,
    e.SlotLimitChanged: slot_limit_changed,
    e.SlotGranted: slot_granted,
    e.SlotAwaited: slot_awaited,
    e.SlotConfirmed: slot_confirmed,
    e.SlotVacated: slot_vacated,
}
