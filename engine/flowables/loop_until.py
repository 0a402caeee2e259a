"""LoopUntil: its tasks again and again, until a condition holds or a maximum is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.conditions import holds
from engine.flow.model import Task
from engine.flowables import Flowable, Opening, Render, Turned
from engine.values import parse_duration_ms

INTERVAL = "PT1M"


def open_loop_until(_task: Task, _render: Render) -> Opening:
    """Begin the first turn."""
    return Opening(order="until", outputs={"iterationCount": 1})


def turned(task: Task, render: Render, turn: int, since_ms: int) -> Turned:
    """Look at the condition, with the outputs of the turn that just ended, then at the maxima."""
    if holds(render(task.properties.get("condition", ""))):
        return Turned(done=True)
    frequency: Mapping[str, Any] = task.properties.get("checkFrequency") or {}
    wait_ms = max(parse_duration_ms(render(frequency.get("interval", INTERVAL))), 0)
    reached = _maximum_reached(frequency, render, turn, since_ms + wait_ms)
    if not reached:
        return Turned(done=False, wait_ms=wait_ms)
    fails = holds(render(task.properties.get("failOnMaxReached", False)))
    return Turned(done=True, error=f"The condition didn't hold: {reached}" if fails else "")


def _maximum_reached(frequency: Mapping[str, Any], render: Render, turn: int, next_ms: int) -> str:
    """Return which maximum forbids another turn, empty if none does."""
    most = frequency.get("maxIterations")
    if most is not None:
        rendered = str(render(most)).strip()
        if not rendered.isdecimal():
            raise ValueError(f"maxIterations: expected a whole number, but got {rendered!r}")
        if turn >= int(rendered):
            return f"maxIterations ({rendered}) is reached"
    longest = frequency.get("maxDuration")
    if longest is not None:
        rendered = str(render(longest))
        if next_ms > parse_duration_ms(rendered):
            return f"maxDuration ({rendered}) is reached"
    return ""


FLOWABLE = Flowable(types=("io.kestra.plugin.core.flow.LoopUntil",), open=open_loop_until, turned=turned, order="until")
