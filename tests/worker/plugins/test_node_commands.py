"""`node.Commands`: commands, as for the shell."""

from __future__ import annotations

from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.scripts.node.Commands"


def test_commands_run_in_a_shell(attempts: Attempts) -> None:
    attempts.outputs(job(TYPE, properties={"commands": ["echo hi"]}))

    assert attempts.lines == [("INFO", "hi")]
