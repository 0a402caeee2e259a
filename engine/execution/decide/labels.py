"""Changing an execution's labels."""

from __future__ import annotations

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft


def update_labels(draft: ExecutionDraft, command: c.UpdateLabels) -> None:
    """Set the labels; those of the system stay."""
    old = draft.header.labels
    labels = {key: value for key, value in old.items() if key.startswith("system.")} | command.labels
    if labels != old:
        draft.emit(e.LabelsUpdated(labels=labels, at_ms=draft.at_ms))
