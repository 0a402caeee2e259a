"""Stores log lines of an execution as a file."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, Literal, cast

import msgspec

from engine.values import iso
from topics.messages import LogEntry
from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.history import TooFarBack
from worker.kill import Killed
from worker.logs import LEVELS
from worker.properties import Properties, Text

LINES_MAX = 200_000
CHARACTERS_MAX = 64 * 1024 * 1024
"""Of all lines together: they are sorted in memory."""
SPOOL_BYTES = 1 << 20


class FetchProperties(Properties):
    """Properties of `log.Fetch`."""

    execution_id: Text | None = None
    namespace: Text | None = None
    flow_id: Text | None = None
    tasks_id: list[Text] | None = None
    level: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"] = "INFO"


class _Kept:
    """Which lines are kept, and how much they are by now."""

    def __init__(self, properties: FetchProperties) -> None:
        self._least = LEVELS[properties.level]
        self._tasks = None if properties.tasks_id is None else frozenset(properties.tasks_id)
        self._lines = 0
        self._characters = 0

    def __call__(self, line: LogEntry) -> bool:
        """Tell whether a line is one of them; raises TaskFailed if they become too many."""
        if LEVELS.get(line.level, 0) < self._least or (self._tasks is not None and line.task_id not in self._tasks):
            return False
        self._lines += 1
        self._characters += len(line.message)
        if self._lines > LINES_MAX or self._characters > CHARACTERS_MAX:
            raise TaskFailed(
                f"Expected at most {LINES_MAX} lines of {CHARACTERS_MAX} characters in all, but there are more: ask "
                "for fewer tasks (tasksId) or a higher level"
            )
        return True


def run(context: RunContext, properties: FetchProperties) -> Result:
    """Store the lines, one a row; without an execution's id those of this one."""
    job = context.job
    execution_id = properties.execution_id or job.execution_id

    def check() -> None:
        if context.kill.why is not None:
            raise Killed

    context.log.flush()
    try:
        found = context.history.read(execution_id, _Kept(properties), check)
    except TooFarBack as error:
        raise TaskFailed(f"{error}; its lines can only be read through the server") from None
    namespace, flow_id = properties.namespace or job.namespace, properties.flow_id or job.flow_id
    if found is None or (found.namespace, found.flow_id) != (namespace, flow_id):
        raise TaskFailed(
            f"The log has no execution {execution_id} of flow {namespace}.{flow_id}; of another flow's execution, give "
            "namespace and flowId too"
        )
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
        for line in found.lines:
            file.write(_row(line))
        file.seek(0)
        uri = context.files.put("logs.ion", cast("BinaryIO", file))
    return Result({"uri": uri, "size": len(found.lines)})


def _row(line: LogEntry) -> bytes:
    """Return a line as a row of ION, of which JSON is a part, with the members that clients of the API know."""
    row = {
        "namespace": line.namespace,
        "flowId": line.flow_id,
        "taskId": line.task_id,
        "executionId": line.execution_id,
        "taskRunId": line.task_run_id,
        "attemptNumber": line.attempt - 1,
        "timestamp": iso(line.at_ms),
        "level": line.level,
        "thread": line.thread,
        "message": line.message,
    }
    return msgspec.json.encode(row) + b"\n"


PLUGIN = Plugin("io.kestra.plugin.core.log.Fetch", FetchProperties, run)
