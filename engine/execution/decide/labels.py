"""Changing an execution's labels."""

from __future__ import annotations

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed

REPLAYED = "system.replayed"


def update_labels(draft: ExecutionDraft, command: c.UpdateLabels) -> None:
    """Set the labels; those of the system stay, and others if these are put over them."""
    old = draft.header.labels
    stay = {key: value for key, value in old.items() if command.over or key.startswith("system.")}
    labels = stay | command.labels
    if labels != old:
        draft.emit(e.LabelsUpdated(labels=labels, at_ms=draft.at_ms))
        proceed(draft)


def mark_replayed(draft: ExecutionDraft, _command: c.MarkReplayed) -> None:
    """Say in a label of the system that another execution replays this one."""
    labels = draft.header.labels
    if labels.get(REPLAYED) != "true":
        draft.emit(e.LabelsUpdated(labels={**labels, REPLAYED: "true"}, at_ms=draft.at_ms))
