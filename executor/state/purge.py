"""Letting rows of executions that ended well go, some days after their end.

Owns which rows those are, and how much of it is done at once. What stays is what a snapshot keeps as well (`KEPT`): the
execution's id must be remembered, and whoever goes back to it finds the same as an owner that was restored from a
snapshot. Views keep their own. It is no part of the fold: it changes no hash, and owners may differ in how far they
are.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.execution.state import HEADER, Header
from engine.machine import Row, Rows
from executor.state.rows import PartitionRows
from executor.state.snapshot import KEPT, is_bare

KEEP_MS = 7 * 86_400_000
"""How long all rows of an execution that ended well are kept: a person may go back to it, by changing the state of one
of its task runs, say."""
EXECUTIONS_MAX = 50
"""Looked at in one go."""
ROWS_MAX = 5_000
"""Deleted in one go: some 20 ms. A large execution takes several."""

FAMILY = b"e"


def ended_index(aggregate_id: str, row: Row) -> tuple[bytes, ...]:
    """Return the index key of the header of an execution that ended well: ordered by its end."""
    if not isinstance(row, Header) or not is_bare(row):
        return ()
    return (FAMILY + row.ended_ms.to_bytes(8, "big") + aggregate_id.encode(),)


def purge(rows: PartitionRows, before_ms: int, waits: Callable[[Rows], bool]) -> int:
    """Delete rows of the executions that ended well before a time, the oldest first, and return how many.

    Args:
        rows: The partition's, with `ended_index` among their indexes.
        before_ms: Unix time in milliseconds.
        waits: Tells whether something of an execution waits for an answer: it stays until it has got it.
    """
    deleted = 0
    entries = rows.index(FAMILY, FAMILY + max(before_ms, 0).to_bytes(8, "big"))
    for _, entry in zip(range(EXECUTIONS_MAX), entries, strict=False):
        aggregate_id = entry[9:].decode()
        of_execution = rows.of(aggregate_id)
        if not of_execution.idle or not is_bare(of_execution.get(HEADER)) or waits(of_execution):
            continue
        deleted += rows.forget(aggregate_id, KEPT, ROWS_MAX - deleted, entry)
        if deleted >= ROWS_MAX:
            break
    return deleted
