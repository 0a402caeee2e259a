"""Answers about flow triggers: that one was reached, and to who asked for an execution."""

from __future__ import annotations

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.state import telling_key
from engine.machine import Command, SendCommand
from engine.trigger.commands import NoteExecutionStarted


def note_listener_reached(draft: ExecutionDraft, command: c.NoteListenerReached) -> None:
    """Stop telling a flow trigger what it knows."""
    if draft.get(telling_key(command.told_id)) is not None:
        draft.emit(e.ListenerReached(told_id=command.told_id))


def reply(draft: ExecutionDraft, command: c.CreateExecution) -> None:
    """Tell whoever asked for the execution that it exists: each time, as an answer may be lost."""
    if command.reply_kind:
        told: Command = (
            c.NoteListenerReached(told_id=draft.id)
            if command.reply_kind == "executions"
            else NoteExecutionStarted(execution_id=draft.id)
        )
        draft.answers.append(SendCommand(kind=command.reply_kind, id=command.reply_id, command=told))
