"""`shell.Script`: the text as it is written."""

from __future__ import annotations

from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.scripts.shell.Script"


def test_a_script_of_several_lines_runs_as_written(attempts: Attempts) -> None:
    script = "for n in 1 2; do\n  echo {{ flow.id }} $n\ndone\ncat <<END\nlast\nEND\n"
    attempts.outputs(job(TYPE, properties={"script": script}))

    assert attempts.lines == [("INFO", "hello 1"), ("INFO", "hello 2"), ("INFO", "last")]


def test_a_script_stops_at_its_first_failing_command(attempts: Attempts) -> None:
    assert attempts.run(job(TYPE, properties={"script": "false\necho on"})).state is State.FAILED
    assert ("INFO", "on") not in attempts.lines


def test_a_script_that_is_missing_says_so(attempts: Attempts) -> None:
    assert attempts.run(job(TYPE)).error == "script: Field required"
