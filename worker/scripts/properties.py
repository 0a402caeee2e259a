"""Properties that every `Commands` and `Script` task has, and which of them this worker can honour.

Owns the model. Without a runner, scripts run as processes of the worker's host: Penstock has no container runner, so
`containerImage` is read and not used.
"""

from __future__ import annotations

from typing import Any

from engine.flow.types import canonical
from worker.context import TaskFailed
from worker.properties import Properties, Text
from worker.scripts.namespace_files import NamespaceFiles

PROCESS = "io.kestra.plugin.core.runner.Process"


class ScriptProperties(Properties):
    """Common properties."""

    env: dict[str, Text | None] = {}
    interpreter: list[Text] = ["/bin/sh", "-c"]
    fail_fast: bool = True
    before_commands: list[Text] = []
    input_files: dict[str, Any] = {}
    output_files: list[Text] = []
    output_directory: bool = False
    namespace_files: NamespaceFiles | None = None
    task_runner: dict[str, Any] | None = None
    runner: str | None = None
    container_image: str | None = None
    warning_on_std_err: bool | None = None
    """Has no effect: what a script writes to stderr never changes its state."""

    def check(self) -> None:
        """Refuse what this worker can't do.

        Raises:
            TaskFailed: With what it can do instead.
        """
        wanted = None if self.task_runner is None else str(self.task_runner.get("type"))
        if wanted is not None and canonical(wanted) != PROCESS:
            raise TaskFailed(f"taskRunner: this worker has only the type {PROCESS}, but the task asks for {wanted}")
        if self.task_runner is None and self.runner is not None and self.runner.upper() != "PROCESS":
            raise TaskFailed(f"runner: this worker has only PROCESS, but the task asks for {self.runner}")
