"""The command line: what is asked for, and how an error reads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy import cli
from deploy.problems import UserError
from deploy.supervisor import RoleDied
from topics.ports import FatalLogError


def test_help_imports_nothing_of_the_roles() -> None:
    code = "import sys, deploy.cli; deploy.cli.parser(); print(sorted({m.split('.')[0] for m in sys.modules}))"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = {"pydantic", "aiohttp", "msgspec", "rocksdict", "jinja2", "rich", "executor", "worker", "api", "topics"}
    assert heavy & set(eval(ran.stdout)) == set()


def test_wrong_arguments_are_answered_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["server", "schedular"])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1
    assert "'schedular'" in said
    assert "standalone" in said


def test_a_wrong_setting_is_answered_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["server", "executor", "--set", "kafka.partitions=some"])

    said = capsys.readouterr().err
    assert code == 1
    assert said == "penstock: the command line: expected kafka.partitions to be a valid integer, but got 'some'\n"


def test_an_expected_error_has_no_traceback_and_a_bug_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.explain(UserError("the disk is full: free some")) == 1
    assert capsys.readouterr().err == "penstock: the disk is full: free some\n"

    assert cli.explain(KeyError("x")) == 70
    assert "a bug of Penstock" in capsys.readouterr().err


def test_a_role_that_met_an_expected_error_is_answered_with_that_error(capsys: pytest.CaptureFixture[str]) -> None:
    died = RoleDied("the api died, so the process stops; start it again: FatalLogError: no topic (log.py:1 < app.py:2)")
    died.__cause__ = FatalLogError("there is no topic: create it")

    assert cli.explain(died) == cli.EXIT_FAILED

    assert capsys.readouterr().err == "penstock: there is no topic: create it\n"


def test_every_setting_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["settings"]) == 0

    assert "PENSTOCK_KAFKA__BOOTSTRAP" in capsys.readouterr().out
