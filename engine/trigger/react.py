"""What triggers ask of the world: executions of their flow, until those have answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.execution.commands import CreateExecution
from engine.machine import Effect, Event, Outstanding, Reactor, SendCommand
from engine.trigger import events as e
from engine.trigger.state import Firing

AGAIN_MS = 5_000
AGAIN_MAX_MS = 600_000


def creation(fired: e.TriggerFired) -> SendCommand:
    """Return the effect that asks for the execution; repeated it changes nothing, and is answered all the same."""
    return SendCommand(
        kind="executions",
        id=fired.execution_id,
        command=CreateExecution(
            namespace=fired.namespace,
            flow_id=fired.flow_id,
            revision=fired.revision,
            inputs_json=fired.inputs_json,
            raw=True,
            labels=fired.labels,
            trigger_json=fired.trigger_json,
            failure=fired.failure,
            reply_kind="triggers",
            reply_id=f"{fired.namespace}/{fired.flow_id}",
            reply_end=fired.reply_end,
        ),
    )


def trigger_fired(event: e.TriggerFired) -> tuple[Effect, ...]:
    """Ask for the execution."""
    return (creation(event),)


def firing(row: Firing) -> Outstanding:
    """An execution that was asked for and hasn't answered."""
    return Outstanding(creation(row.fired), AGAIN_MS, AGAIN_MAX_MS)


REACTORS: dict[type[Event], Reactor] = {e.TriggerFired: trigger_fired}
OUTSTANDING: Mapping[str, Callable[[Any], Outstanding | None]] = {"f": firing}
"""What rows wait for; `executor/requests.py` keeps the time."""
