"""`shell.Commands`: what all script tasks have in common is tested here too."""

from __future__ import annotations

import io
import os
import threading
from typing import Any

import msgspec
import pytest

from engine.execution.job import Job
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import TASK_RUN, job
from worker.kill import Kill, Why

TYPE = "io.kestra.plugin.scripts.shell.Commands"
PROCESS = {"type": "io.kestra.plugin.core.runner.Process"}


def commands(*lines: str, variables: dict[str, Any] | None = None, timeout: str | None = None, **given: Any) -> Job:
    found = {"flow": {"id": "hello"}, **(variables or {})}
    return job(TYPE, properties={"commands": list(lines), **given}, variables=found, timeout=timeout)


def test_commands_run_in_one_shell_and_their_output_is_the_log(attempts: Attempts) -> None:
    outputs = attempts.outputs(commands("x=1", "echo $x {{ flow.id }}", "echo oh >&2", taskRunner=PROCESS))

    assert outputs == {"exitCode": 0, "vars": {}, "outputFiles": {}}
    assert set(attempts.lines) == {("INFO", "1 hello"), ("ERROR", "oh")}


def test_lines_say_where_they_come_from_and_are_numbered(attempts: Attempts) -> None:
    attempts.run(commands("echo a; echo b"))

    assert [(line.id, line.number, line.attempt, line.task_id) for line in attempts.entries] == [
        (f"{TASK_RUN}/1/0", 0, 1, "task"),
        (f"{TASK_RUN}/1/1", 1, 1, "task"),
    ]


def test_another_exit_code_fails_with_the_outputs_so_far(attempts: Attempts) -> None:
    ended = attempts.run(commands("""echo '::{"outputs":{"a":1}}::'""", "touch x", "exit 7", outputFiles=["x"]))

    outputs = msgspec.json.decode(ended.outputs_json)
    assert ended.state is State.FAILED
    assert ended.error == "Command failed with exit code 7"
    assert (outputs["exitCode"], outputs["vars"], list(outputs["outputFiles"])) == (7, {"a": 1}, ["x"])
    assert attempts.lines[-1] == ("ERROR", "Command failed with exit code 7")


def test_the_first_failing_command_ends_it_unless_told_otherwise(attempts: Attempts) -> None:
    assert attempts.run(commands("false", "true")).state is State.FAILED
    assert attempts.run(commands("false", "true", failFast=False)).state is State.SUCCESS
    assert attempts.run(commands("true", beforeCommands=["false"])).state is State.FAILED


def test_before_commands_share_the_shell_with_the_commands(attempts: Attempts) -> None:
    attempts.run(commands("echo $greeting", beforeCommands=["greeting=hi"]))

    assert attempts.lines == [("INFO", "hi")]


def test_the_protocol_gives_outputs_metrics_and_lines(attempts: Attempts) -> None:
    said = [
        {"outputs": {"a": 1, "b": {"c": [True, None]}}},
        {"outputs": {"a": "later wins"}},
        {"metrics": [{"name": "rows", "type": "counter", "value": 3, "tags": {"table": "t", "n": 1}}]},
        {"metrics": [{"name": "took", "type": "timer", "value": 0.5}, {"name": "size", "type": "gauge", "value": 2}]},
        {"logs": [{"level": "WARN", "message": "careful"}, {"message": "plain"}]},
    ]
    texts = [msgspec.json.encode(each).decode() for each in said]
    outputs = attempts.outputs(commands(*(f"echo '::{text}::'" for text in texts)))

    assert outputs["vars"] == {"a": "later wins", "b": {"c": [True, None]}}
    assert [(each.kind, each.name, each.value, each.tags_json) for each in attempts.metrics] == [
        ("counter", "rows", 3.0, b'{"table":"t","n":"1"}'),
        ("timer", "took", 0.5, b"{}"),
        ("gauge", "size", 2.0, b"{}"),
    ]
    assert attempts.lines == [("WARN", "careful"), ("INFO", "plain")]


@pytest.mark.parametrize("said", ["::{broken}::", '::{"outputs":[1]}::', '::{"metrics":[{"value":1}]}::'])
def test_a_broken_line_of_the_protocol_is_a_warning(attempts: Attempts, said: str) -> None:
    attempts.outputs(commands(f"echo '{said}'"))

    ((level, text),) = attempts.lines
    assert (level, "is ignored" in text) == ("WARN", True)


def test_a_line_that_only_contains_the_mark_is_an_ordinary_line(attempts: Attempts) -> None:
    attempts.outputs(commands("""echo 'see ::{"outputs":{}}::'"""))

    assert attempts.lines == [("INFO", 'see ::{"outputs":{}}::')]


def test_env_is_rendered_and_the_worker_adds_its_own(attempts: Attempts) -> None:
    wanted = commands(
        "echo $A $N $T-$E; echo $WORKING_DIR $PWD; echo $PENSTOCK_IDEMPOTENCY_KEY",
        env={"A": "{{ flow.id }}", "N": 3, "T": True, "E": None},
    )
    attempts.outputs(wanted)

    texts = [text for _, text in attempts.lines]
    assert texts[0] == "hello 3 true-"
    assert len(set(texts[1].split())) == 1
    assert texts[2] == f"{TASK_RUN}-1"


@pytest.mark.parametrize("name", ["", "a=b"])
def test_a_name_that_no_variable_can_have_is_refused(attempts: Attempts, name: str) -> None:
    assert "env:" in attempts.run(commands("true", env={name: "x"})).error


def test_files_go_in_and_come_out(attempts: Attempts) -> None:
    stored = attempts.files().put("stored.txt", io.BytesIO(b"from storage"))
    outputs = attempts.outputs(
        commands(
            "cat deep/in.txt stored.txt data.json > out/result.txt; test ! -e skipped",
            beforeCommands=["mkdir -p out"],
            inputFiles={
                "deep/in.txt": "for {{ flow.id }}\n",
                "stored.txt": stored,
                "data.json": {"a": [1]},
                "skipped": None,
            },
            outputFiles=["out/*.txt"],
        )
    )

    uri = outputs["outputFiles"]["out/result.txt"]
    assert attempts.files().read_text(uri, 100) == 'for hello\nfrom storage{"a":[1]}'
    assert uri.endswith("-result.txt")


def test_input_files_may_be_one_expression(attempts: Attempts) -> None:
    attempts.outputs(commands("cat a", inputFiles="{{ files }}", variables={"files": {"a": "content"}}))

    assert attempts.lines == [("INFO", "content")]


def test_stored_files_in_commands_become_local_ones(attempts: Attempts) -> None:
    uri = attempts.files().put("stored.txt", io.BytesIO(b"from storage\n"))
    attempts.outputs(commands("cat {{ uri }}; echo 'as {{ uri }}.'", variables={"uri": uri}))

    (_, content), (_, named) = attempts.lines
    assert content == "from storage"
    assert "kestra://" not in named


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "a\\b"])
def test_an_input_file_cannot_leave_the_folder(attempts: Attempts, name: str) -> None:
    ended = attempts.run(commands("true", inputFiles={name: "x"}))

    assert ended.state is State.FAILED
    assert ended.error.startswith("inputFiles: ")


@pytest.mark.parametrize("source", ["file:///etc/passwd", "nsfile:///x", "kestra:///other/f/executions/x/y"])
def test_a_source_that_may_not_be_read_is_refused(attempts: Attempts, source: str) -> None:
    assert "inputFiles: " in attempts.run(commands("true", inputFiles={"a": source})).error


def test_a_script_cannot_hand_out_what_it_can_only_name(attempts: Attempts) -> None:
    outputs = attempts.outputs(
        commands("ln -s /etc/passwd link; mkfifo pipe; echo x > real; ln -s / all", outputFiles=["**"])
    )

    assert list(outputs["outputFiles"]) == ["real"]
    assert ("WARN", "outputFiles: link isn't a plain file and is left out") in attempts.lines


def test_an_output_directory_is_offered_and_kept(attempts: Attempts) -> None:
    wanted = commands("echo 1 > $OUTPUT_DIR/a; mkdir {{ outputDir }}/b; echo 2 > {{ outputDir }}/b/c")
    wanted = msgspec.structs.replace(wanted, properties={**wanted.properties, "outputDirectory": True})

    assert sorted(attempts.outputs(wanted)["outputFiles"]) == ["a", "b/c"]


def test_nothing_is_left_on_the_host(attempts: Attempts) -> None:
    attempts.run(commands("touch a $HOME/b $TMPDIR/c; chmod -R 0 ."))
    attempts.processes.folders.close()

    assert os.listdir(attempts.folder) == []


def test_another_interpreter_gets_the_text_as_it_is(attempts: Attempts) -> None:
    attempts.outputs(commands("print(1 + 1)", interpreter=["python3", "-c"]))

    assert attempts.lines == [("INFO", "2")]


def test_commands_longer_than_an_argument_may_be_run_from_a_file(attempts: Attempts) -> None:
    attempts.outputs(commands(": " + "x" * 200_000, "echo done"))

    assert attempts.lines == [("INFO", "done")]


def test_a_program_that_is_missing_fails_with_its_name(attempts: Attempts) -> None:
    assert "no-such-shell" in attempts.run(commands("true", interpreter=["no-such-shell", "-c"])).error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"taskRunner": {"type": "io.kestra.plugin.scripts.runner.docker.Docker"}},
            "io.kestra.plugin.core.runner.Process",
        ),
        ({"runner": "DOCKER"}, "PROCESS"),
        ({"namespaceFiles": {"ifExists": "MERGE"}}, "namespaceFiles.ifExists"),
        ({"commands": "not a list"}, "commands"),
    ],
)
def test_what_the_worker_cannot_do_fails_and_says_what_it_can(
    attempts: Attempts, given: dict[str, Any], said: str
) -> None:
    ended = attempts.run(commands("true", **given))

    assert ended.state is State.FAILED
    assert said in ended.error


@pytest.mark.parametrize(
    "given",
    [
        {"runner": "PROCESS"},
        {"taskRunner": {"type": "io.kestra.core.models.tasks.runners.types.ProcessTaskRunner"}},
        {"namespaceFiles": {"enabled": False}},
        {"containerImage": "ubuntu"},
        {"warningOnStdErr": True},
    ],
)
def test_what_makes_no_difference_to_a_process_is_accepted(attempts: Attempts, given: dict[str, Any]) -> None:
    assert attempts.outputs(commands("echo err >&2", **given))["exitCode"] == 0


def test_a_timeout_fails_the_task_and_ends_its_processes(attempts: Attempts) -> None:
    ended = attempts.run(commands("echo started", "setsid sleep 1000 & wait", timeout="PT0.2S"))

    assert ended.state is State.FAILED
    assert ended.error == "The task took longer than its timeout PT0.2S"
    assert ("INFO", "started") in attempts.lines


def test_a_kill_ends_the_task_as_killed(attempts: Attempts) -> None:
    kill = Kill()
    threading.Timer(0.05, kill.ask, [Why.KILLED]).start()
    ended = attempts.run(commands("sleep 1000"), kill)

    assert ended.state is State.KILLED


def test_levels_below_the_tasks_own_are_left_out(attempts: Attempts) -> None:
    wanted = msgspec.structs.replace(commands("echo info; echo error >&2"), log_level="ERROR")
    attempts.run(wanted)

    assert attempts.lines == [("ERROR", "error")]
