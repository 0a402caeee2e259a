"""How events of the catalogue change its rows."""

from __future__ import annotations

from engine.catalog import events as e
from engine.catalog.state import HEADER, CatalogHeader, Revision, revision_key
from engine.machine import Changes, CommandRejected, Event, Evolver, Rows, rejected_changes_nothing


def flow_saved(_rows: Rows, event: e.FlowSaved) -> Changes:
    """The revision is the latest."""
    yield HEADER, CatalogHeader(revision=event.revision)
    yield revision_key(event.revision), Revision(source=event.source, at_ms=event.at_ms)


def flow_deleted(_rows: Rows, event: e.FlowDeleted) -> Changes:
    """Revisions go on counting from here."""
    yield HEADER, CatalogHeader(revision=event.revision, deleted=True)


EVOLVERS: dict[type[Event], Evolver] = {
    CommandRejected: rejected_changes_nothing,
    e.FlowSaved: flow_saved,
    e.FlowDeleted: flow_deleted,
}
