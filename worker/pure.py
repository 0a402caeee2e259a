"""Tasks that the engine decides by itself as a rule, run by a worker.

That is for templates that need the world, and for flows that name a worker group. Owns the bridge only: what such a
task comes to is said once, in `engine/tasks`.
"""

from __future__ import annotations

from engine.flow.model import Task
from engine.tasks import Call, CallEach, PureTask, Wait, pure_task_of
from engine.values import State
from worker.context import Result, RunContext, TaskFailed


class PureExecutable:
    """See `worker.context.Executable`.

    Args:
        type: Canonical type name.
        pure: What the engine knows of it.
    """

    def __init__(self, type: str, pure: PureTask) -> None:
        self.type = type
        self._pure = pure

    def execute(self, context: RunContext) -> Result:
        """See `worker.context.Executable.execute`."""
        job = context.job
        task = Task(id=job.task_id, type=job.task_type, properties=job.properties)
        decided = self._pure.decide(task, context.render)
        if isinstance(decided, Wait):
            if decided.paused or decided.duration_ms is None:
                raise TaskFailed(f"{job.task_type} waits for a person: it can't run on a worker; take workerGroup away")
            context.log.flush()
            context.wait(decided.duration_ms / 1000)
            return Result(state=self._pure.waited(task))
        if isinstance(decided, Call | CallEach):
            raise TaskFailed(f"{job.task_type} starts an execution, which only the engine can: take workerGroup away")
        if decided.update is not None:
            raise TaskFailed(f"{job.task_type} changes its execution, which only the engine can: take workerGroup away")
        if decided.state is not State.FAILED:
            for line in decided.lines:
                context.log.line(line.level, line.message)
            return Result(decided.outputs, decided.state)
        *lines, last = [line.message for line in decided.lines] or ["The task failed"]
        for line in decided.lines[: len(lines)]:
            context.log.line(line.level, line.message)
        raise TaskFailed(last, decided.outputs)


def pure_executable_of(task_type: str) -> PureExecutable | None:
    """Return the worker's side of a pure task, None if the engine has no such type."""
    pure = pure_task_of(task_type)
    return None if pure is None else PureExecutable(task_type, pure)
