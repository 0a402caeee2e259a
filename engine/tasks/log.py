"""Log, and its older form Echo: writes its message to the execution's log."""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import Line, Outcome, PureTask, Render

_ECHO = "io.kestra.plugin.core.debug.Echo"
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


def decide_log(task: Task, render: Render) -> Outcome:
    """Write one line per message."""
    level = str(render(task.properties.get("level", "INFO"))).upper()
    if level not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(LEVELS)}, but got {level!r}")
    written = task.properties.get("format" if task.type == _ECHO else "message")
    message = render(written)
    messages = message if isinstance(message, list | tuple) else [message]
    return Outcome(lines=tuple(Line(level, "null" if text is None else str(text)) for text in messages))


TASK = PureTask(types=("io.kestra.plugin.core.log.Log", _ECHO), decide=decide_log)
