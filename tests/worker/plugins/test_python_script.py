"""`python.Script`: a file, a program, and the module that talks to the engine."""

from __future__ import annotations

from typing import Any

from engine.execution.job import Job
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.scripts.python.Script"


def script(text: str, **given: Any) -> Job:
    return job(TYPE, properties={"script": text, **given}, variables={"flag": True, "none": None, "list": [1, None]})


def test_a_script_runs_with_its_files_beside_it_and_is_no_output_itself(attempts: Attempts) -> None:
    outputs = attempts.outputs(
        script(
            "import helper, json\nopen('out.txt', 'w').write(helper.text)\n",
            inputFiles={"helper.py": "text = 'from helper'"},
            outputFiles=["**"],
        )
    )

    assert sorted(outputs["outputFiles"]) == ["helper.py", "out.txt"]


def test_rendered_booleans_and_nulls_are_names(attempts: Attempts) -> None:
    attempts.outputs(script("print({{ flag }}, {{ list }}[1])"))

    assert attempts.lines == [("INFO", "True None")]


def test_the_line_of_an_error_is_that_of_the_script(attempts: Attempts) -> None:
    ended = attempts.run(script("x = 1\nraise KeyError('oh')"))

    assert ended.state is State.FAILED
    assert any("line 2, in <module>" in text for _, text in attempts.lines)


def test_scripts_talk_to_the_engine_by_their_module(attempts: Attempts) -> None:
    outputs = attempts.outputs(
        script(
            "from kestra import Kestra\n"
            "Kestra.outputs({'a': 1, 'text': 'ü'})\n"
            "Kestra.counter('rows', 3, {'t': 'x'})\n"
            "Kestra.timer('took', 0.5)\n"
            "Kestra.timer('ran', lambda: None)\n"
            "Kestra.logger().warning('careful %s', 1)\n"
        )
    )

    assert outputs["vars"] == {"a": 1, "text": "ü"}
    assert [(each.kind, each.name) for each in attempts.metrics] == [
        ("counter", "rows"),
        ("timer", "took"),
        ("timer", "ran"),
    ]
    assert attempts.lines == [("WARN", "careful 1")]


def test_an_installed_package_of_that_name_is_preferred(attempts: Attempts) -> None:
    attempts.outputs(
        script(
            "import kestra\nprint(kestra.own)",
            inputFiles={"lib/kestra/__init__.py": "own = 1"},
            env={"PYTHONPATH": "lib"},
        )
    )

    assert attempts.lines == [("INFO", "1")]


def test_output_comes_at_once_and_before_commands_share_the_shell(attempts: Attempts) -> None:
    attempts.outputs(
        script("import os; print(os.environ['PYTHONUNBUFFERED'], os.environ['X'])", beforeCommands=["export X=2"])
    )

    assert attempts.lines == [("INFO", "1 2")]


def test_dependencies_are_installed_first(attempts: Attempts) -> None:
    """Without a network: pip itself is replaced by a module of the same name that tells what it was asked for."""
    outputs = attempts.outputs(
        script(
            "print('after')",
            dependencies=["requests>=2", "a b"],
            inputFiles={"pip/__init__.py": "", "pip/__main__.py": "import sys; print(sys.argv[-2:])"},
        )
    )

    assert outputs["exitCode"] == 0
    assert attempts.lines == [("INFO", "['requests>=2', 'a b']"), ("INFO", "after")]
