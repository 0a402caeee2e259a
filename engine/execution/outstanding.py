"""What rows of an execution wait for: level-triggered effects, said again until the row has changed.

Owns which effect that is and how long an answer may take. `executor/requests.py` keeps the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.execution.callers import end_for_caller
from engine.execution.children import ask_of, kill_of
from engine.execution.effects import RingDoorbell, SendCancel
from engine.execution.kin import Awaited, Child
from engine.execution.react import acquire_slot, release_slot
from engine.execution.state import Slot, Starter, Switching, TaskRun, Telling
from engine.execution.telling import end_of, message_of, switch_of
from engine.machine import Outstanding
from engine.values import State

DOORBELL_AGAIN_MS = 30_000
"""First repetition of a doorbell that nobody answered; doubles each time, as a queue may simply be long."""
DOORBELL_AGAIN_MAX_MS = 600_000
CANCEL_AGAIN_MS = 5_000
SLOT_AGAIN_MS = 5_000
SLOT_AGAIN_MAX_MS = 60_000
TELL_AGAIN_MS = 5_000
TELL_AGAIN_MAX_MS = 600_000
CHILD_AGAIN_MS = 10_000
"""First repetition of what another execution hasn't answered: its executor may be taking over, or be behind."""
CHILD_AGAIN_MAX_MS = 120_000


def task_run(run: TaskRun) -> Outstanding | None:
    """An attempt that no worker has claimed, or that its worker is to stop."""
    if run.state is State.SUBMITTED:
        doorbell = RingDoorbell(task_run_id=run.id, epoch=run.epoch, queue=run.queue)
        return Outstanding(doorbell, DOORBELL_AGAIN_MS, DOORBELL_AGAIN_MAX_MS)
    if run.killing and run.state is State.RUNNING and run.worker_id:
        cancel = SendCancel(task_run_id=run.id, epoch=run.epoch, worker_id=run.worker_id)
        return Outstanding(cancel, CANCEL_AGAIN_MS, CANCEL_AGAIN_MS)
    return None


def slot(row: Slot) -> Outstanding | None:
    """A request for a slot that has no answer, or a slot given back that nobody has taken.

    While it is queued nothing is said: that it gets its turn is outstanding at the slots (`engine/slots`).
    """
    if row.phase == "asked":
        return Outstanding(acquire_slot(row), SLOT_AGAIN_MS, SLOT_AGAIN_MAX_MS)
    if row.phase == "returning":
        back = release_slot(row.scope, row.execution_id, row.number)
        return Outstanding(back, SLOT_AGAIN_MS, SLOT_AGAIN_MAX_MS)
    return None


def telling(row: Telling) -> Outstanding:
    """A flow trigger that hasn't answered."""
    return Outstanding(message_of(row.found), TELL_AGAIN_MS, TELL_AGAIN_MAX_MS)


def starter(row: Starter) -> Outstanding | None:
    """A trigger that hasn't heard of the end of what it started."""
    return Outstanding(end_of(row.called), TELL_AGAIN_MS, TELL_AGAIN_MAX_MS) if row.called is not None else None


def child(child: Child) -> Outstanding | None:
    """An execution that hasn't said yet that it exists, or that is to be killed."""
    asked = child.asked
    if child.state is not None:
        return None
    if child.killing:
        kill = kill_of(asked.child_id, asked.execution_id, asked.task_run_id)
        return Outstanding(kill, CHILD_AGAIN_MS, CHILD_AGAIN_MAX_MS)
    return None if child.accepted else Outstanding(ask_of(asked), CHILD_AGAIN_MS, CHILD_AGAIN_MAX_MS)


def awaited(row: Awaited) -> Outstanding | None:
    """A caller that hasn't said yet that it knows of the end."""
    if row.end is None or row.heard:
        return None
    return Outstanding(end_for_caller(row.end), CHILD_AGAIN_MS, CHILD_AGAIN_MAX_MS)


def switching(row: Switching) -> Outstanding:
    """A trigger that wasn't turned off or on."""
    return Outstanding(switch_of(row.asked), TELL_AGAIN_MS, TELL_AGAIN_MAX_MS)


OUTSTANDING: Mapping[str, Callable[[Any], Outstanding | None]] = {
    "t": task_run,
    "c": slot,
    "l": telling,
    "g": starter,
    "w": switching,
    "x": child,
    "p": awaited,
}
