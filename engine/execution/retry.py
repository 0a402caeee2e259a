"""When a failed attempt is tried again: arithmetic only."""

from __future__ import annotations

from engine.execution.state import TaskRun
from engine.flow.model import Retry
from engine.values import DURATION_MAX_MS, derive_id

SAME_EXECUTION = "RETRY_FAILED_TASK"


def delay_ms(retry: Retry, attempts: int, chance: float) -> int:
    """Return how long to wait after `attempts` attempts; `chance` in [0, 1) picks within a random policy.

    Example:
        >>> [delay_ms(Retry(kind="exponential", interval_ms=100, max_interval_ms=350), n, 0.0) for n in (1, 2, 3)]
        [100, 200, 350]
    """
    if retry.kind == "random":
        least, most = retry.min_interval_ms, retry.max_interval_ms or retry.min_interval_ms
        return max(least + int(chance * (most - least)), 0)
    if retry.kind == "exponential":
        wait = retry.interval_ms * retry.delay_factor ** min(attempts - 1, 60)
        return max(int(min(wait, retry.max_interval_ms or wait, DURATION_MAX_MS)), 0)
    return max(retry.interval_ms, 0)


def next_attempt_ms(retry: Retry | None, run: TaskRun, at_ms: int) -> int | None:
    """Return when the next attempt is due, None if the policy allows none within this execution.

    Args:
        retry: The policy that holds for the task.
        run: Its run, before the failed attempt is counted; `first_ms` starts the clock of `maxDuration`.
        at_ms: Now.
    """
    attempts = run.tried + 1
    if retry is None or retry.behavior != SAME_EXECUTION:
        return None
    if retry.max_attempts is not None and attempts >= retry.max_attempts:
        return None
    chance = int(derive_id(run.id, run.epoch, attempts)[:8], 16) / 2**32
    due_ms = at_ms + delay_ms(retry, attempts, chance)
    if retry.max_duration_ms is not None and due_ms - run.first_ms > retry.max_duration_ms:
        return None
    return due_ms
