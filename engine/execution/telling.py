"""What a flow trigger of another flow is told: an execution is to start, or a part of what it waits for is met.

Owns the command that an event becomes. When it is said again is `outstanding.py`'s.
"""

from __future__ import annotations

from engine.execution.commands import CreateExecution
from engine.execution.events.listeners import ListenerFound, StarterCalled, TriggerSwitchAsked
from engine.machine import SendCommand
from engine.trigger.commands import NoteExecutionEnded, NoteUpstream, SwitchTrigger


def message_of(found: ListenerFound) -> SendCommand:
    """Return the effect that tells it; repeated it changes nothing, and is answered all the same."""
    if not found.keys:
        creation = CreateExecution(
            namespace=found.namespace,
            flow_id=found.flow_id,
            revision=found.revision,
            inputs_json=found.inputs_json,
            raw=True,
            labels=found.labels,
            trigger_json=found.trigger_json,
            failure=found.failure,
            reply_kind="executions",
            reply_id=found.execution_id,
        )
        return SendCommand(kind="executions", id=found.told_id, command=creation)
    note = NoteUpstream(
        told_id=found.told_id,
        execution_id=found.execution_id,
        namespace=found.namespace,
        flow_id=found.flow_id,
        revision=found.revision,
        trigger_id=found.trigger_id,
        keys=found.keys,
        at_ms=found.at_ms,
        inputs_json=found.inputs_json,
        late=found.late,
        labels=found.labels,
        trigger_json=found.trigger_json,
        failure=found.failure,
    )
    return SendCommand(kind="triggers", id=f"{found.namespace}/{found.flow_id}", command=note)


def end_of(called: StarterCalled) -> SendCommand:
    """Return the effect that tells a trigger of the end of what it started."""
    ended = NoteExecutionEnded(trigger_id=called.trigger_id, execution_id=called.execution_id, state=called.state)
    return SendCommand(kind=called.kind, id=called.id, command=ended)


def switch_of(asked: TriggerSwitchAsked) -> SendCommand:
    """Return the effect that turns a trigger off or on."""
    switch = SwitchTrigger(
        trigger_id=asked.trigger_id, disabled=asked.disabled, told_id=asked.told_id, execution_id=asked.execution_id
    )
    return SendCommand(kind="triggers", id=f"{asked.namespace}/{asked.flow_id}", command=switch)
