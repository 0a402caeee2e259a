"""Going back to an execution that ended well.

Of such a one snapshots keep no more than its header (`Header.bare`), so an event about anything else of it couldn't be
folded everywhere. Whoever wants to go on with it says first, in an event, all that is known of it.
"""

from __future__ import annotations

import msgspec

from engine.errors import Reason, Rejected
from engine.execution import events as e
from engine.execution.draft import OUTPUTS_BYTES_MAX, ExecutionDraft
from engine.execution.state import HEADER, ROOT
from engine.machine import SEQUENCE

_encoder = msgspec.msgpack.Encoder()


def check_known(draft: ExecutionDraft) -> None:
    """Raise Rejected if the execution ended well and this partition was restored from a snapshot since then."""
    if draft.header.bare and draft.scope(ROOT) is None:
        raise Rejected(
            Reason.INVALID_STATE,
            f"Expected an execution that didn't end well, but {draft.id} did, and only its end is kept: replay it",
        )


def recall(draft: ExecutionDraft) -> None:
    """Make sure that whoever folds what follows has all rows of the execution.

    Raises:
        Rejected: If they aren't known here either, or take more than an event may.
    """
    if not draft.header.bare:
        return
    check_known(draft)
    rows = {key: _encoder.encode(row) for key, row in draft.scan("") if key not in (HEADER, SEQUENCE)}
    size = sum(map(len, rows.values()))
    if size > OUTPUTS_BYTES_MAX:
        raise Rejected(
            Reason.TOO_LARGE,
            f"Expected an execution of at most {OUTPUTS_BYTES_MAX} bytes to go back to, but {draft.id} has {size}: "
            f"replay it",
        )
    draft.emit(e.ExecutionRecalled(rows=rows))
