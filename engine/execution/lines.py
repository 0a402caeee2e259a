"""Log lines that the engine writes for task runs: which are kept, and how much of them.

Owns the limits. Lines travel inside events, so they must fit a step; what a worker writes goes its own way.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.execution.events import LogLine
from engine.flow.model import Task
from engine.tasks import Line

LINE_CHARACTERS_MAX = 32_768
LINES_CHARACTERS_MAX = 262_144
"""Of one attempt: a screen has some thousand characters, and a step holds some hundred task runs."""

_RANK = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}

Lines = tuple[LogLine, ...]


def line(level: str, message: str) -> LogLine:
    """Return a line, shortened if it is very long."""
    if len(message) > LINE_CHARACTERS_MAX:
        left_out = len(message) - LINE_CHARACTERS_MAX
        message = f"{message[:LINE_CHARACTERS_MAX]}… ({left_out} more characters)"
    return LogLine(level=level, message=printable(message))


def error_lines(message: str) -> Lines:
    """Return one line that tells of an error."""
    return (line("ERROR", message),)


def kept_lines(task: Task, written: Iterable[Line]) -> Lines:
    """Return the lines that a task wrote, from its `logLevel` on, as many as an event may hold."""
    least = _RANK.get((task.log_level or "TRACE").upper(), 0)
    kept: list[LogLine] = []
    left = LINES_CHARACTERS_MAX
    lines = [one for one in written if _RANK.get(one.level, 0) >= least]
    for number, one in enumerate(lines):
        if left <= 0:
            kept.append(LogLine(level="WARN", message=f"{len(lines) - number} more lines were left out"))
            break
        kept.append(line(one.level, one.message))
        left -= len(kept[-1].message) + 32
    return tuple(kept)


def first_error(lines: Lines) -> str:
    """Return the message of the first line that tells of an error, empty if none does."""
    return next((one.message for one in lines if one.level == "ERROR"), "")


def printable(text: str) -> str:
    """Return a text that has bytes in UTF-8: a lone surrogate has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
