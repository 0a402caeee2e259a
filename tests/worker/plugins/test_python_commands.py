"""`python.Commands`: commands with what Python programs need."""

from __future__ import annotations

from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.scripts.python.Commands"


def test_commands_run_programs_that_talk_to_the_engine(attempts: Attempts) -> None:
    program = "from kestra import Kestra; Kestra.outputs({'n': 1})"
    outputs = attempts.outputs(
        job(TYPE, properties={"commands": ["python3 main.py"], "inputFiles": {"main.py": program}})
    )

    assert outputs["vars"] == {"n": 1}
