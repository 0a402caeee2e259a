"""See `tests/engine/execution/recorded.py`."""

from __future__ import annotations

from tests.engine.execution.recorded import recorded_executions_fold_to_their_rows

__all__ = ["recorded_executions_fold_to_their_rows"]
