"""When a failed attempt is tried again: arithmetic only."""

from __future__ import annotations

from engine.execution.state import TaskRun
from engine.flow.model import Retry
from engine.values import DURATION_MAX_MS, derive_id

SAME_EXECUTION = "RETRY_FAILED_TASK"
NEW_EXECUTION = "CREATE_NEW_EXECUTION"


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
    if retry is None or retry.behavior != SAME_EXECUTION:
        return None
    return _next_ms(retry, run.tried + 1, run.first_ms, at_ms, derive_id(run.id, run.epoch, run.tried + 1))


def next_execution_ms(retry: Retry | None, tries: int, first_ms: int, at_ms: int, entropy: str) -> int | None:
    """Return when a further execution is due in the place of one that failed, None if the policy allows none.

    Args:
        retry: The policy that holds for the task that failed.
        tries: How many executions there have been, this one included.
        first_ms: When the first of them was created: it starts the clock of `maxDuration`.
        at_ms: Now.
        entropy: An id, from which a random policy picks.
    """
    if retry is None or retry.behavior != NEW_EXECUTION:
        return None
    return _next_ms(retry, tries, first_ms, at_ms, entropy)


def _next_ms(retry: Retry, attempts: int, first_ms: int, at_ms: int, entropy: str) -> int | None:
    if retry.max_attempts is not None and attempts >= retry.max_attempts:
        return None
    due_ms = at_ms + delay_ms(retry, attempts, int(entropy[:8], 16) / 2**32)
    # One that would begin just when the time is over is too late: deciding takes no time here, and some elsewhere.
    if retry.max_duration_ms is not None and due_ms - first_ms >= retry.max_duration_ms:
        return None
    return due_ms
