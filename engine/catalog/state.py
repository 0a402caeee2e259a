"""A flow's state in the catalogue: a header and a row per revision."""

from __future__ import annotations

from engine.catalog.events import LimitChanged, TriggersChanged
from engine.machine import Row

HEADER = "h"
SLOTS = "c"
TRIGGERS = "t"


class CatalogHeader(Row, frozen=True, kw_only=True):
    """The flow; key `h`."""

    revision: int
    """The latest, counting from 1; goes on counting after a deletion."""
    deleted: bool = False


class Revision(Row, frozen=True, kw_only=True):
    """One revision; key `r/<number>`."""

    source: str
    at_ms: int


class Told(Row, frozen=True, kw_only=True):
    """What the flow's triggers were told last; key `t`."""

    changed: TriggersChanged
    answered: bool = False


class ToldSlots(Row, frozen=True, kw_only=True):
    """What the flow's slots are told until they answer; key `c`."""

    changed: LimitChanged


ROW_TYPES: dict[str, type[Row]] = {"h": CatalogHeader, "r": Revision, "t": Told, "c": ToldSlots}


def revision_key(revision: int) -> str:
    """Return the key of a revision's row."""
    return f"r/{revision:08d}"
