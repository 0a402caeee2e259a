"""`penstock flow`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy import cli
from deploy.flow_commands import graph, marked_line, validate
from deploy.problems import UserError

GOOD = "id: good\nnamespace: a.b\ntasks:\n  - {id: t, type: io.kestra.plugin.core.log.Log, message: hi}\n"
BAD = GOOD.replace("message", "mesage")


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "bad.yml").write_text(f"{GOOD}---\n{BAD}")
    (tmp_path / "readme.md").write_text("no flow")
    return tmp_path


def test_every_flow_below_a_folder_is_checked(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flow", "validate", str(flows)]) == 1

    said = capsys.readouterr()
    assert f"{flows / 'inner' / 'bad.yml'}:9:50: error: tasks[t].mesage: Unknown property 'mesage'" in said.out
    assert said.err.startswith("3 flows, 2 errors, 0 warnings")


def test_the_line_of_a_problem_is_shown_with_a_mark_below_the_place(
    flows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    validate([flows / "inner" / "bad.yml"])

    shown = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(shown) if "Unknown property" in line)
    assert shown[at + 1] == "    9 |   - {id: t, type: io.kestra.plugin.core.log.Log, mesage: hi}"
    assert shown[at + 2].index("^") == shown[at + 1].index("mesage")


@pytest.mark.parametrize("before", ["", "é", "\x1b[31m", "漢字", "x" * 500, "\t"])
def test_a_mark_stands_below_its_column_whatever_comes_before(before: str) -> None:
    line, mark = marked_line(f"a\r\n{before}HERE{'y' * 500}\nb", 2, len(before) + 1).splitlines()

    assert "\x1b" not in line
    wide = line.count("漢") + line.count("字")
    assert mark.index("^") == line.index("HERE") + wide
    assert len(line) < 150


def test_problems_are_printed_as_json_for_other_programs(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flow", "validate", str(flows), "--form", "json"]) == 1

    results = json.loads(capsys.readouterr().out)
    assert [(Path(each["file"]).name, each["flow"], each["constraints"] is None) for each in results] == [
        ("good.yaml", "good", True),
        ("bad.yml", "good", True),
        ("bad.yml", "good", False),
    ]
    assert results[2]["problems"][-1] | {"hint": ""} == {
        "severity": "error",
        "rule": "unknown-property",
        "message": "Unknown property 'mesage' of type io.kestra.plugin.core.log.Log",
        "line": 9,
        "column": 50,
        "path": "tasks[t].mesage",
        "pointer": "/tasks/0/mesage",
        "hint": "",
    }


def test_sound_flows_exit_with_zero(flows: Path) -> None:
    assert cli.main(["flow", "validate", str(flows / "good.yaml")]) == 0


def test_warnings_count_only_where_they_shall(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(GOOD.replace("hi", '"{{ inputs.no }}"'))

    assert validate([path]) == 0
    assert validate([path], warnings_fail=True) == 1
    assert validate([path], silenced={"unknown-input"}, warnings_fail=True) == 0


def test_the_schema_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flow", "schema"]) == 0

    assert json.loads(capsys.readouterr().out)["title"] == "Flow"


def test_a_flow_is_drawn_in_three_forms(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flow", "graph", str(flows / "good.yaml")]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD")
    graph(flows / "good.yaml", "svg")
    assert capsys.readouterr().out.startswith("<svg")
    graph(flows / "good.yaml", "json")
    assert json.loads(capsys.readouterr().out)["nodes"]


def test_what_cannot_be_read_or_drawn_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")

    for path in (tmp_path / "broken.yaml", tmp_path / "bytes.yaml", tmp_path / "missing.yaml"):
        with pytest.raises(UserError, match=path.name):
            graph(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no YAML file"):
        validate([tmp_path / "empty"])
