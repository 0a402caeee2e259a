"""`penstock run`: the real executor on a log that is gone afterwards."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import cli

HELLO = """
id: hello
namespace: demo
inputs:
  - id: name
    type: STRING
    defaults: world
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["morning", "evening"]
    tasks:
      - id: greet
        type: io.kestra.plugin.core.log.Log
        message: "Good {{ taskrun.value }}, {{ inputs.name }}"
  - id: answer
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.name | upper }}"
outputs:
  - id: shouted
    type: STRING
    value: "{{ outputs.answer.value }}"
"""


@pytest.fixture(autouse=True)
def temporary_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the runs of a test keep their logs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def saved(tmp_path: Path, text: str) -> str:
    file = tmp_path / "flow.yaml"
    file.write_text(text)
    return str(file)


def test_a_flow_runs_to_its_end_and_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["run", saved(tmp_path, HELLO), "-i", "name=Ada"])

    said = capsys.readouterr().out
    assert code == 0, said
    assert "Good morning, Ada" in said
    assert "Good evening, Ada" in said
    assert 'outputs {"shouted": "ADA"}' in said
    assert said.splitlines()[-1].startswith("SUCCESS in ")
    assert [path.name for path in tmp_path.iterdir()] == ["flow.yaml"]


def test_an_input_that_is_not_given_has_its_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["run", saved(tmp_path, HELLO)])

    assert "Good morning, world" in capsys.readouterr().out


@pytest.mark.parametrize(("dialect", "said"), [("1.x", "gives 6"), ("2.x", "gives 5")])
def test_a_flow_runs_in_the_dialect_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dialect: str, said: str
) -> None:
    task = '{id: a, type: io.kestra.plugin.core.log.Log, message: "gives {{ 1 + nothing ?? 5 }}"}'
    cli.main(["run", saved(tmp_path, f"id: f\nnamespace: demo\ntasks:\n  - {task}\n"), "--dialect", dialect])

    assert said in capsys.readouterr().out


def test_a_secret_input_is_read_by_tasks_and_hidden_in_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = """
id: f
namespace: demo
inputs: [{id: pw, type: SECRET}]
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: "it is {{ inputs.pw }}"}
  - id: b
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.pw == 'hushhush' }}"
    then: [{id: c, type: io.kestra.plugin.core.log.Log, message: the right one}]
"""
    assert cli.main(["run", saved(tmp_path, flow), "-i", "pw=hushhush"]) == 0

    said = capsys.readouterr().out
    assert "it is ******" in said
    assert "the right one" in said
    assert "hushhush" not in said


def test_a_failed_execution_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = "id: f\nnamespace: demo\ntasks:\n  - id: no\n    type: io.kestra.plugin.core.execution.Fail\n"

    code = cli.main(["run", saved(tmp_path, flow)])

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("FAILED in ")


def test_a_wrong_flow_is_answered_with_file_line_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = saved(tmp_path, "id: f\nnamespace: demo\ntasks:\n  - id: x\n")

    code = cli.main(["run", file])

    said = capsys.readouterr().err
    assert code == 1
    assert f"{file}:4:" in said


def test_a_file_that_is_not_there_is_answered_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "nowhere.yaml"]) == 1

    said = capsys.readouterr().err
    assert "nowhere.yaml" in said
    assert said.count("\n") == 1


def test_an_input_without_a_value_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", saved(tmp_path, HELLO), "-i", "name"]) == 1

    assert "--input name: expected NAME=VALUE" in capsys.readouterr().err


def test_a_script_runs_with_its_log_and_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["run", saved(tmp_path, script("echo hello", 'echo \'::{"outputs":{"x": 3}}::\''))])

    said = capsys.readouterr().out
    assert code == 0, said
    assert "hello" in said
    assert "x is 3" in said


def script(*commands: str) -> str:
    """A flow that runs shell commands and then logs what they put out."""
    listed = "\n".join(f"      - {json.dumps(command)}" for command in commands)
    return f"""
id: script
namespace: demo
tasks:
  - id: shell
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    commands:
{listed}
  - id: told
    type: io.kestra.plugin.core.log.Log
    message: "x is {{{{ outputs.shell.vars.x }}}}"
"""


@contextmanager
def in_a_process(tmp_path: Path, text: str, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a flow as a person does, with temporary files where the test sees them."""
    temporary.mkdir()
    penstock = Path(sys.executable).with_name("penstock")
    process = subprocess.Popen(
        [penstock, "run", saved(tmp_path, text)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def read_until(process: subprocess.Popen[str], awaited: str) -> None:
    """Read what a process says up to a line with a text."""
    assert process.stdout is not None
    said = ""
    while awaited not in said:
        line = process.stdout.readline()
        assert line, said
        said += line


def test_ctrl_c_kills_the_execution_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    with in_a_process(tmp_path, script("echo begun", "sleep 600"), temporary) as process:
        read_until(process, "begun")
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        said = process.stdout.read()
        assert process.wait(60) == 1

    assert said.splitlines()[-1].startswith("KILLED in ")
    assert list(temporary.iterdir()) == []


def test_ctrl_c_again_ends_it_at_once_and_leaves_nothing_behind_either(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    deaf = script("trap '' TERM; echo begun; while true; do sleep 0.1; done")
    with in_a_process(tmp_path, deaf, temporary) as process:
        read_until(process, "begun")
        process.send_signal(signal.SIGINT)
        read_until(process, "KILLING")
        process.send_signal(signal.SIGINT)

        assert process.wait(60) == -signal.SIGINT

    assert list(temporary.iterdir()) == []


WITH_FILE = """
id: reads
namespace: demo
inputs: [{id: file, type: FILE}, {id: note, type: STRING}]
tasks:
  - id: told
    type: io.kestra.plugin.core.log.Log
    message: "{{ read(inputs.file) }} and {{ inputs.note }}"
"""


def test_a_file_is_stored_for_a_file_input_and_read_for_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "note.txt"
    file.write_text("from a file")

    code = cli.main(["run", saved(tmp_path, WITH_FILE), "-i", f"file=@{file}", "-i", f"note=@{file}"])

    said = capsys.readouterr().out
    assert code == 0, said
    assert "from a file and from a file" in said


def test_a_file_for_an_input_that_is_not_there_is_named_with_the_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text(
        "id: read\nnamespace: demo\ninputs: [{id: doc, type: FILE}]\n"
        "tasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: m}]\n"
    )

    assert cli.main(["run", str(flow), "-i", "doc=@missing.csv"]) == 1

    assert capsys.readouterr().err == "penstock: input doc: missing.csv can't be read: No such file or directory\n"


def test_an_unknown_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", saved(tmp_path, HELLO), "-i", "nmae=Ada"]) == 1

    assert capsys.readouterr().err == "penstock: the flow has no input nmae\n"


def test_enter_resumes_a_paused_execution(tmp_path: Path) -> None:
    flow = "id: p\nnamespace: demo\ntasks:\n  - id: wait\n    type: io.kestra.plugin.core.flow.Pause\n"
    penstock = Path(sys.executable).with_name("penstock")
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [penstock, "run", saved(tmp_path, flow)], stdin=terminal, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = ""
        while "Enter resumes it" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        os.write(keyboard, b"\n")
        said += process.stdout.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
        os.close(keyboard)
        os.close(terminal)

    assert said.splitlines()[-1].startswith("SUCCESS in ")
