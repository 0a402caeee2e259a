"""An execution's slot, if its flow limits how many run at once: asking for one, and giving it back.

Owns the execution's side of the talk with `engine/slots`. Only the answers to it are decided elsewhere
(`decide/slots.py`), as they let the execution run.
"""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.state import SLOT, Header, Slot
from engine.flow.model import Flow


def request_slot(draft: ExecutionDraft, *, forced: bool = False) -> None:
    """Ask for a slot of the flow's limit, which it must have; `forced` tells that the execution runs anyway."""
    header = draft.header
    concurrency = draft.flow.concurrency
    assert concurrency is not None, draft.id
    draft.emit(
        e.SlotRequested(
            execution_id=draft.id,
            scope=scope_of(header),
            number=header.attempt,
            revision=header.revision,
            limit=concurrency.limit,
            behavior=concurrency.behavior,
            at_ms=draft.at_ms,
            forced=forced,
        )
    )


def give_back(draft: ExecutionDraft) -> None:
    """Return the slot, or the place in the queue, if the execution has one."""
    slot: Slot | None = draft.get(SLOT)
    if slot is not None and slot.phase != "returning":
        draft.emit(
            e.SlotReturned(execution_id=slot.execution_id, scope=slot.scope, number=slot.number, at_ms=draft.at_ms)
        )


def awaits_slot(draft: ExecutionDraft) -> bool:
    """Tell whether the execution may not begin yet: its slot isn't granted, and nobody has forced it to run."""
    slot: Slot | None = draft.get(SLOT)
    return slot is not None and not slot.forced and slot.phase in ("asked", "queued")


def is_limited(flow: Flow) -> bool:
    """Tell whether executions of a flow need a slot."""
    return flow.concurrency is not None


def scope_of(header: Header) -> str:
    """Return the id of the slots that an execution needs one of: those of its flow."""
    return f"{header.namespace}/{header.flow_id}"
