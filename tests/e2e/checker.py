"""What a log must show after a storm: read from its beginning by the reader's rule, with the simulation's judge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.cluster import SIDE_EFFECTS, begun_attempts
from tests.simulation.observer import Observer


def check(log: Any, acknowledged: set[str], side: Path) -> Observer:
    """Hold the log against what clients were promised and what really began.

    Raises:
        AssertionError: If something was lost, applied twice, or began twice; it says what.
    """
    observer = Observer(log)
    observer.catch_up()
    lost = sorted(acknowledged - set(observer.created))
    assert not lost, f"acknowledged and lost: {lost}"
    unfinished = sorted({*acknowledged, *observer.created} - observer.settled)
    assert not unfinished, f"acknowledged or called, and never over: {unfinished}"
    told = [(child, state) for _caller, child, state in observer.heard if state not in observer.ends.get(child, ())]
    assert not told, f"callers heard of ends that never were: {told}"
    begun = Counter(begun_attempts(side))
    twice = [attempt for attempt, times in begun.items() if times > 1]
    assert not twice, f"began twice: {twice}"
    for _execution, task_run, before in begun:
        assert (task_run, int(before) + 1) in observer.started, f"{task_run} attempt {before} began without a claim"
    done = Counter(execution for execution, _run in {(execution, run) for execution, run, _before in begun})
    idle = {execution: done[execution] for execution in acknowledged if done[execution] != SIDE_EFFECTS}
    assert not idle, f"task runs that ended without having run, by execution: {idle}"
    return observer
