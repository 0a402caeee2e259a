"""The slots of one flow: a header, and a row per execution that holds one or waits for one.

Those that wait are a list through their rows, so that whoever comes, goes or leaves the queue costs the same however
long it is.
"""

from __future__ import annotations

from engine.machine import Row

HEADER = "h"


class SlotsHeader(Row, frozen=True, kw_only=True):
    """The slots as a whole; key `h`."""

    limit: int
    """0: any number."""
    revision: int
    """Of the flow, from which the limit is."""
    held: int = 0
    """More than the limit after it was lowered, or when executions were forced to run."""
    waiting: int = 0
    first: str = ""
    """Id of the execution that has waited for the longest time."""
    last: str = ""


class Place(Row, frozen=True, kw_only=True):
    """An execution that holds a slot or waits for one; key `p/<execution id>`."""

    scope: str
    execution_id: str
    number: int
    holds: bool
    waited: bool = False
    """Of one that holds: it came out of the queue."""
    confirmed: bool = False
    """Of one that holds: it knows."""
    before: str = ""
    """Of one that waits: id of the execution before it."""
    after: str = ""


ROW_TYPES: dict[str, type[Row]] = {"h": SlotsHeader, "p": Place}


def place_key(execution_id: str) -> str:
    """Return the key of an execution's row."""
    return "p/" + execution_id
