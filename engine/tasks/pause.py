"""Pause: the execution waits for somebody, or for a time."""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import PureTask, Render, Wait
from engine.values import State, parse_duration_ms

_BEHAVIORS = {
    "RESUME": State.SUCCESS,
    "WARN": State.WARNING,
    "FAIL": State.FAILED,
    "CANCEL": State.CANCELLED,
}


def decide_pause(task: Task, render: Render) -> Wait:
    """Wait until somebody resumes it, the duration is over, or the timeout fails it."""
    duration = task.properties.get("pauseDuration", task.properties.get("delay"))
    return Wait(
        paused=True,
        duration_ms=None if duration is None else max(parse_duration_ms(render(duration)), 0),
        timeout_ms=None if task.timeout is None else parse_duration_ms(render(task.timeout)),
    )


def after_duration(task: Task) -> State:
    """Return what its `behavior` makes of a pause that came to its time."""
    return _BEHAVIORS.get(str(task.properties.get("behavior", "RESUME")).upper(), State.SUCCESS)


TASK = PureTask(
    types=("io.kestra.plugin.core.flow.Pause",), decide=decide_pause, asks=True, waits=True, waited=after_duration
)
