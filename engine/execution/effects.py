"""What an execution asks of the world, as data. `executor/effects.py` does it once the step was acknowledged."""

from __future__ import annotations

from engine.machine import Effect


class RingDoorbell(Effect, frozen=True, kw_only=True):
    """Tell the workers of a queue that an attempt waits."""

    task_run_id: str
    epoch: int
    queue: str


class SendGrant(Effect, frozen=True, kw_only=True):
    """Give a worker the attempt it claimed, with the job's context as of now."""

    task_run_id: str
    epoch: int
    worker_id: str


class SendDrop(Effect, frozen=True, kw_only=True):
    """Tell a worker that its claim can't be granted."""

    task_run_id: str
    epoch: int
    worker_id: str


class SendCancel(Effect, frozen=True, kw_only=True):
    """Tell a worker to stop an attempt."""

    task_run_id: str
    epoch: int
    worker_id: str


class DiscardFolder(Effect, frozen=True, kw_only=True):
    """Tell a worker that nobody needs a shared folder any more. It may get lost: an old folder is removed anyway."""

    folder: str
