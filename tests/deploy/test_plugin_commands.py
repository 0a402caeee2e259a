"""`penstock plugin`."""

from __future__ import annotations

import json

import pytest

from deploy import cli
from deploy.plugin_commands import doc
from deploy.problems import UserError


def test_a_type_is_told_under_any_of_its_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugin", "doc", "io.kestra.core.tasks.log.Log"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("# io.kestra.plugin.core.log.Log\n")
    assert "- `message` (anything, required)" in said


def test_a_type_is_told_to_programs_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugin", "doc", "io.kestra.plugin.core.log.Log", "--form", "json"]) == 0

    assert json.loads(capsys.readouterr().out)["schema"]["properties"]["required"] == ["id", "type", "message"]


def test_a_type_that_is_not_there_is_guessed() -> None:
    with pytest.raises(UserError, match=r"Did you mean 'io\.kestra\.plugin\.core\.log\.Log'"):
        doc("io.kestra.plugin.core.log.Lgo")


def test_types_are_listed_by_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugin", "list", "LOOPUNTIL"]) == 0

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("io.kestra.plugin.core.flow.LoopUntil  Runs its tasks again and again")
