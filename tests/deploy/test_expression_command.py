"""`penstock expression eval`."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import cli


def test_a_template_reads_the_variables_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variables = tmp_path / "variables.yaml"
    variables.write_text("inputs:\n  name: Ada\n")

    assert cli.main(["expression", "eval", "Hello {{ inputs.name | upper }}", "--vars", str(variables)]) == 0

    assert capsys.readouterr().out == "Hello ADA\n"


def test_a_value_is_printed_as_a_task_gets_it_or_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["expression", "eval", "{{ [1, 1.0 * 10000000, null] }}"])
    cli.main(["expression", "eval", "--typed", "{{ [1, 1.0 * 10000000, null] }}"])

    assert capsys.readouterr().out == "[1,1.0E7,null]\n[1, 10000000.0, null]\n"


def test_either_generation_of_the_language_can_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["expression", "eval", "{{ 'a' ?? 'b' | upper }}"]) == 0
    assert cli.main(["expression", "eval", "{{ 'a' ?? 'b' | upper }}", "--dialect", "2.x"]) == 0

    assert capsys.readouterr().out == "A\na\n"


@pytest.mark.parametrize("template", ["{{ inputs.name", "{{ x | uper }}", "{{ nothing }}", "{{ secret('x') }}"])
def test_a_template_that_fails_is_answered_in_one_line(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["expression", "eval", template]) == 1

    said = capsys.readouterr().err
    assert said.startswith("penstock: ")
    assert said.count("\n") == 1


def test_variables_that_are_no_mapping_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variables = tmp_path / "variables.yaml"
    variables.write_text("- 1\n")

    assert cli.main(["expression", "eval", "x", "--vars", str(variables)]) == 1

    assert str(variables) in capsys.readouterr().err
