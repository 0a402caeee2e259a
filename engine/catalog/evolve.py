"""How events of the catalogue change its rows."""

from __future__ import annotations

from engine.catalog import events as e
from engine.catalog.state import HEADER, SLOTS, TRIGGERS, CatalogHeader, Revision, Told, ToldSlots, revision_key
from engine.machine import Changes, CommandRejected, Event, Evolver, Rows, rejected_changes_nothing


def flow_saved(_rows: Rows, event: e.FlowSaved) -> Changes:
    """The revision is the latest."""
    yield HEADER, CatalogHeader(revision=event.revision)
    yield revision_key(event.revision), Revision(source=event.source, at_ms=event.at_ms)


def flow_deleted(_rows: Rows, event: e.FlowDeleted) -> Changes:
    """Revisions go on counting from here."""
    yield HEADER, CatalogHeader(revision=event.revision, deleted=True)


def triggers_changed(_rows: Rows, event: e.TriggersChanged) -> Changes:
    """Keep what they are told until they answer."""
    yield TRIGGERS, Told(changed=event)


def triggers_following(rows: Rows, _event: e.TriggersFollowing) -> Changes:
    """They know; that they were told stays, as they must hear of the next revision, too."""
    yield TRIGGERS, Told(changed=rows.get(TRIGGERS).changed, answered=True)


def limit_changed(_rows: Rows, event: e.LimitChanged) -> Changes:
    """Keep what they are told until they answer."""
    yield SLOTS, ToldSlots(changed=event)


def limit_followed(_rows: Rows, _event: e.LimitFollowed) -> Changes:
    """They know."""
    yield SLOTS, None


EVOLVERS: dict[type[Event], Evolver] = {
    CommandRejected: rejected_changes_nothing,
    e.FlowSaved: flow_saved,
    e.FlowDeleted: flow_deleted,
    e.LimitChanged: limit_changed,
    e.LimitFollowed: limit_followed,
    e.TriggersChanged: triggers_changed,
    e.TriggersFollowing: triggers_following,
}
