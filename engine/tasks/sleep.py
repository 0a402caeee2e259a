"""Sleep: goes on after a time. A timer, not a worker that waits."""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import PureTask, Render, Wait
from engine.values import parse_duration_ms


def decide_sleep(task: Task, render: Render) -> Wait:
    """Wait for the duration; a negative one is none."""
    return Wait(duration_ms=max(parse_duration_ms(render(task.properties.get("duration"))), 0))


TASK = PureTask(types=("io.kestra.plugin.core.flow.Sleep",), decide=decide_sleep, asks=True, waits=True)
