"""Who waits for an execution's end; it travels inside commands and events."""

from __future__ import annotations

import msgspec


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A task run of another execution."""

    execution_id: str
    task_run_id: str
    child_id: str
    """Under which id it knows the execution: that of the first one if a retry made others."""
    call: int = 1
    """Which attempt of the task run: a restart may call the same execution again."""
    outputs_json: bytes = b""
    """Templates by name, rendered at the end with the variables of the execution that ended; empty: its outputs."""
