"""What the world must do when something happened. Never called on replay."""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.callers import end_for_caller
from engine.execution.children import ask_of, kill_of
from engine.execution.effects import RingDoorbell, SendCancel, SendGrant
from engine.execution.state import Slot
from engine.execution.telling import end_of, message_of, switch_of
from engine.machine import Effect, Event, Reactor, SendCommand
from engine.slots.commands import AcquireSlot, ConfirmSlot, ReleaseSlot


def task_dispatched(event: e.TaskDispatched) -> tuple[Effect, ...]:
    """A waiting attempt rings its queue's doorbell."""
    return (RingDoorbell(task_run_id=event.task_run_id, epoch=event.epoch, queue=event.queue),)


def task_run_started(event: e.TaskRunStarted) -> tuple[Effect, ...]:
    """A counted claim is granted."""
    return (SendGrant(task_run_id=event.task_run_id, epoch=event.epoch, worker_id=event.worker_id),)


def task_run_kill_requested(event: e.TaskRunKillRequested) -> tuple[Effect, ...]:
    """The worker that holds it is told."""
    return (SendCancel(task_run_id=event.task_run_id, epoch=event.epoch, worker_id=event.worker_id),)


def slot_requested(event: e.SlotRequested) -> tuple[Effect, ...]:
    """The flow's slots are asked."""
    return (acquire_slot(event),)


def slot_returned(event: e.SlotReturned) -> tuple[Effect, ...]:
    """The flow's slots are told."""
    return (release_slot(event.scope, event.execution_id, event.number),)


def acquire_slot(wanted: e.SlotRequested | Slot) -> SendCommand:
    """Return the effect that asks for a slot."""
    command = AcquireSlot(
        execution_id=wanted.execution_id,
        number=wanted.number,
        revision=wanted.revision,
        limit=wanted.limit,
        behavior=wanted.behavior,
        forced=wanted.forced,
    )
    return SendCommand(kind="slots", id=wanted.scope, command=command)


def confirm_slot(scope: str, execution_id: str, number: int) -> SendCommand:
    """Return the effect that tells that a grant arrived."""
    return SendCommand(kind="slots", id=scope, command=ConfirmSlot(execution_id=execution_id, number=number))


def release_slot(scope: str, execution_id: str, number: int) -> SendCommand:
    """Return the effect that gives a slot back."""
    return SendCommand(kind="slots", id=scope, command=ReleaseSlot(execution_id=execution_id, number=number))


def listener_found(event: e.ListenerFound) -> tuple[Effect, ...]:
    """The flow trigger is told."""
    return (message_of(event),)


def starter_called(event: e.StarterCalled) -> tuple[Effect, ...]:
    """The trigger that started the execution is told."""
    return (end_of(event),)


def child_asked(event: e.ChildAsked) -> tuple[Effect, ...]:
    """The child is asked for."""
    return (ask_of(event),)


def child_kill_requested(event: e.ChildKillRequested) -> tuple[Effect, ...]:
    """The child is told."""
    return (kill_of(event.child_id, event.execution_id, event.task_run_id),)


def caller_called(event: e.CallerCalled) -> tuple[Effect, ...]:
    """Whoever waits for the end is told."""
    return (end_for_caller(event),)


def trigger_switch_asked(event: e.TriggerSwitchAsked) -> tuple[Effect, ...]:
    """The trigger is told."""
    return (switch_of(event),)


REACTORS: dict[type[Event], Reactor] = {
    e.TaskDispatched: task_dispatched,
    e.TaskRunStarted: task_run_started,
    e.TaskRunKillRequested: task_run_kill_requested,
    e.SlotRequested: slot_requested,
    e.SlotReturned: slot_returned,
    e.ListenerFound: listener_found,
    e.StarterCalled: starter_called,
    e.TriggerSwitchAsked: trigger_switch_asked,
    e.ChildAsked: child_asked,
    e.ChildKillRequested: child_kill_requested,
    e.CallerCalled: caller_called,
}
