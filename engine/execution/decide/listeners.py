"""Answers about flow triggers: that one was reached, and to who asked for an execution."""

from __future__ import annotations

import msgspec

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.state import INPUTS, STARTER, Inputs, switching_key, telling_key
from engine.machine import Command, SendCommand
from engine.trigger.commands import NoteExecutionStarted


def note_listener_reached(draft: ExecutionDraft, command: c.NoteListenerReached) -> None:
    """Stop telling a flow trigger what it knows."""
    if draft.get(telling_key(command.told_id)) is not None:
        draft.emit(e.ListenerReached(told_id=command.told_id))
    elif draft.get(switching_key(command.told_id)) is not None:
        draft.emit(e.TriggerSwitchReached(told_id=command.told_id))


def reply(draft: ExecutionDraft, command: c.CreateExecution) -> None:
    """Tell whoever asked for the execution that it exists: each time, as an answer may be lost."""
    if command.reply_kind:
        told: Command = (
            c.NoteListenerReached(told_id=draft.id)
            if command.reply_kind == "executions"
            else NoteExecutionStarted(execution_id=draft.id)
        )
        draft.answers.append(SendCommand(kind=command.reply_kind, id=command.reply_id, command=told))


def name_starter(draft: ExecutionDraft, command: c.CreateExecution) -> None:
    """Remember the trigger that wants to hear of the end."""
    inputs: Inputs = draft.get(INPUTS)
    if command.reply_end and inputs.trigger_json:
        trigger_id = str(msgspec.json.decode(inputs.trigger_json).get("id", ""))
        draft.emit(e.StarterNamed(kind=command.reply_kind, id=command.reply_id, trigger_id=trigger_id))


def note_starter_heard(draft: ExecutionDraft, _command: c.NoteStarterHeard) -> None:
    """Stop telling of the end."""
    starter = draft.get(STARTER)
    if starter is not None and starter.called is not None:
        draft.emit(e.StarterHeard())
