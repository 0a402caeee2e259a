"""When a failed attempt is tried again: arithmetic only."""

from __future__ import annotations

from engine.execution.state import TaskRun
from engine.flow.model import Flow, Retry, Task
from engine.values import derive_id


def retry_of(flow: Flow, task: Task) -> Retry | None:
    """Return the policy that holds for a task: its own, else the nearest flowable's around it, else the flow's."""
    if task.retry is not None:
        return task.retry
    parent = flow.places[task.id].parent
    while parent is not None:
        place = flow.places[parent]
        if place.task.retry is not None:
            return place.task.retry
        parent = place.parent
    return flow.retry


def delay_ms(retry: Retry, attempts: int, chance: float) -> int:
    """Return how long to wait after `attempts` attempts; `chance` in [0, 1) picks within a random policy.

    Example:
        >>> [delay_ms(Retry(kind="exponential", interval_ms=100, max_interval_ms=350), n, 0.0) for n in (1, 2, 3)]
        [100, 200, 350]
    """
    if retry.kind == "random":
        least, most = retry.min_interval_ms, retry.max_interval_ms or retry.min_interval_ms
        return least + int(chance * (most - least))
    if retry.kind == "exponential":
        wait = retry.interval_ms * retry.delay_factor ** min(attempts - 1, 60)
        return int(min(wait, retry.max_interval_ms or wait))
    return retry.interval_ms


def next_attempt_ms(flow: Flow, task: Task, run: TaskRun, attempts: int, at_ms: int) -> int | None:
    """Return when the next attempt is due, None if the policy allows none.

    Args:
        flow: The execution's flow.
        task: The task that failed.
        run: Its run; `first_ms` starts the clock of `maxDuration`.
        attempts: Attempts made so far, the failed one included.
        at_ms: Now.
    """
    retry = retry_of(flow, task)
    if retry is None or (retry.max_attempts is not None and attempts >= retry.max_attempts):
        return None
    if retry.behavior != "RETRY_FAILED_TASK":
        return None
    chance = int(derive_id(run.id, attempts)[:8], 16) / 2**32
    due_ms = at_ms + delay_ms(retry, attempts, chance)
    if retry.max_duration_ms is not None and due_ms - run.first_ms > retry.max_duration_ms:
        return None
    return due_ms
