"""What the world must do when something happened. Never called on replay."""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.effects import RingDoorbell, SendCancel, SendGrant
from engine.machine import Effect, Event, Reactor


def task_dispatched(event: e.TaskDispatched) -> tuple[Effect, ...]:
    """A waiting attempt rings its queue's doorbell."""
    return (RingDoorbell(task_run_id=event.task_run_id, epoch=event.epoch, queue=event.queue),)


def task_run_started(event: e.TaskRunStarted) -> tuple[Effect, ...]:
    """A counted claim is granted."""
    return (SendGrant(task_run_id=event.task_run_id, epoch=event.epoch, worker_id=event.worker_id),)


def task_run_kill_requested(event: e.TaskRunKillRequested) -> tuple[Effect, ...]:
    """The worker that holds it is told."""
    return (SendCancel(task_run_id=event.task_run_id, epoch=event.epoch, worker_id=event.worker_id),)


REACTORS: dict[type[Event], Reactor] = {
    e.TaskDispatched: task_dispatched,
    e.TaskRunStarted: task_run_started,
    e.TaskRunKillRequested: task_run_kill_requested,
}
