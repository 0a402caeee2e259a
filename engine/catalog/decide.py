"""The catalogue's rules: what may be saved, and when a source is a new revision."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.catalog import commands as c
from engine.catalog import events as e
from engine.catalog.state import HEADER, SLOTS, TRIGGERS, CatalogHeader, Revision, Told, ToldSlots, revision_key
from engine.errors import Reason, Rejected
from engine.flow import parse_flow
from engine.flow.model import Flow
from engine.machine import Command, Draft
from engine.trigger.schedules import goes_by_time

SOURCE_BYTES_MAX = 1024 * 1024
"""Some ten thousand tasks; a source travels whole in commands, events and views."""
_REVISION_LINE = re.compile(r"^revision:.*\n?", re.MULTILINE)


def same_source(one: str, other: str) -> bool:
    """Tell whether two sources say the same; a `revision:` line at the top level doesn't count."""
    return _REVISION_LINE.sub("", one).rstrip() == _REVISION_LINE.sub("", other).rstrip()


def save_flow(draft: Draft, command: c.SaveFlow) -> None:
    """Store a valid source as the next revision; an unchanged one changes nothing."""
    header: CatalogHeader | None = draft.get(HEADER)
    exists = header is not None and not header.deleted
    name = f"{command.namespace}.{command.flow_id}"
    if command.mode == "create" and exists:
        raise Rejected(Reason.ALREADY_EXISTS, f"Expected a new flow, but {name} exists: update it instead")
    if command.mode == "update" and not exists:
        raise Rejected(Reason.NOT_FOUND, f"Expected a flow {name} to update, but there is none")
    size = len(command.source.encode("utf-8", "replace"))
    if size > SOURCE_BYTES_MAX:
        raise Rejected(
            Reason.TOO_LARGE, f"Expected a source of at most {SOURCE_BYTES_MAX} bytes, but {name} has {size}"
        )
    parsed = parse_flow(command.source)
    flow = parsed.flow
    if flow is None or parsed.errors:
        first = next(iter(parsed.errors), None)
        why = str(first) if first is not None else "it can't be read"
        raise Rejected(Reason.INVALID_ARGUMENT, f"Expected a valid flow, but {why}")
    if (flow.namespace, flow.id) != (command.namespace, command.flow_id):
        raise Rejected(
            Reason.INVALID_ARGUMENT, f"Expected the source of {name}, but it says {flow.namespace}.{flow.id}"
        )
    if exists and header is not None:
        latest: Revision = draft.get(revision_key(header.revision))
        if same_source(latest.source, command.source):
            return
    draft.emit(
        e.FlowSaved(
            namespace=command.namespace,
            flow_id=command.flow_id,
            revision=(header.revision if header else 0) + 1,
            source=command.source,
            at_ms=draft.at_ms,
        )
    )
    if exists and header is not None:
        _tell_slots(draft, header, flow)
    by_time = any(goes_by_time(trigger) for trigger in flow.triggers)
    _tell_triggers(draft, command, (header.revision if header else 0) + 1, by_time)


def delete_flow(draft: Draft, command: c.DeleteFlow) -> None:
    """Take the flow away."""
    header: CatalogHeader | None = draft.get(HEADER)
    if header is None or header.deleted:
        name = f"{command.namespace}.{command.flow_id}"
        raise Rejected(Reason.NOT_FOUND, f"Expected a flow {name} to delete, but there is none")
    draft.emit(
        e.FlowDeleted(namespace=command.namespace, flow_id=command.flow_id, revision=header.revision, at_ms=draft.at_ms)
    )
    _tell_triggers(draft, command, header.revision, going_by_time=False)


def _tell_triggers(draft: Draft, command: c.SaveFlow | c.DeleteFlow, revision: int, going_by_time: bool) -> None:
    """Tell the flow's triggers, if it has any that go by time, or had."""
    deleted = isinstance(command, c.DeleteFlow)
    if going_by_time or draft.get(TRIGGERS) is not None:
        draft.emit(
            e.TriggersChanged(
                namespace=command.namespace,
                flow_id=command.flow_id,
                revision=revision,
                deleted=deleted,
                at_ms=draft.at_ms,
            )
        )


def _tell_slots(draft: Draft, before: CatalogHeader, flow: Flow) -> None:
    """Tell the flow's slots, if the revision before had a limit and this one has another: executions may wait there."""
    latest: Revision = draft.get(revision_key(before.revision))
    former = parse_flow(latest.source, strict=False).flow
    old = former.concurrency.limit if former is not None and former.concurrency is not None else 0
    new = flow.concurrency.limit if flow.concurrency is not None else 0
    if old and new != old:
        draft.emit(
            e.LimitChanged(
                namespace=flow.namespace,
                flow_id=flow.id,
                revision=before.revision + 1,
                limit=new,
                at_ms=draft.at_ms,
            )
        )


def note_limit_followed(draft: Draft, command: c.NoteLimitFollowed) -> None:
    """Stop telling the slots what they know."""
    told: ToldSlots | None = draft.get(SLOTS)
    if told is not None and command.revision >= told.changed.revision:
        draft.emit(e.LimitFollowed())


def note_triggers_followed(draft: Draft, command: c.NoteTriggersFollowed) -> None:
    """Stop telling the triggers what they know."""
    told: Told | None = draft.get(TRIGGERS)
    if told is None or told.answered:
        return
    if (told.changed.revision, told.changed.deleted) == (command.revision, command.deleted):
        draft.emit(e.TriggersFollowing())


DECIDERS: Mapping[type[Command], Callable[[Any, Any], None]] = {
    c.SaveFlow: save_flow,
    c.DeleteFlow: delete_flow,
    c.NoteLimitFollowed: note_limit_followed,
    c.NoteTriggersFollowed: note_triggers_followed,
}
