"""One attempt from job to end, whatever goes wrong."""

from __future__ import annotations

import base64
import io
from typing import Any

import msgspec
import pytest

from engine.values import State
from tests.worker.attempts import Attempts, Make
from tests.worker.executors import job
from worker.context import Result, RunContext, TaskFailed

RETURN = "io.kestra.plugin.core.debug.Return"


class Given:
    """A type of task that does what the test says."""

    type = "io.kestra.plugin.core.test.Given"

    def __init__(self, act: Any) -> None:
        self._act = act

    def execute(self, context: RunContext) -> Result:
        return Result(self._act(context))


def given(attempts: Attempts, act: Any) -> Any:
    attempts.equipment.registry._found[Given.type] = Given(act)
    return attempts.run(job(Given.type))


def raising(error: BaseException) -> Any:
    def act(_context: RunContext) -> None:
        raise error

    return act


def test_an_unknown_type_fails_with_its_name_and_those_it_could_be(attempts: Attempts) -> None:
    ended = attempts.run(job("com.acme.Unknown"))

    assert ended.state is State.FAILED
    assert "com.acme.Unknown" in ended.error
    assert "shell.Commands" in ended.error
    assert attempts.lines == [("ERROR", ended.error)]


def test_old_names_of_types_run_too(attempts: Attempts) -> None:
    wanted = job("io.kestra.core.tasks.debugs.Return", properties={"format": "x"})

    assert attempts.outputs(wanted) == {"value": "x"}


def test_a_template_that_cannot_be_rendered_fails_the_task(attempts: Attempts) -> None:
    ended = attempts.run(job(RETURN, properties={"format": "{{ missing }}"}))

    assert ended.state is State.FAILED
    assert "missing" in ended.error


def test_a_function_that_workers_do_not_offer_is_named(attempts: Attempts) -> None:
    assert "appLink" in attempts.run(job(RETURN, properties={"format": "{{ appLink('x') }}"})).error


def test_a_malformed_timeout_is_named(attempts: Attempts) -> None:
    assert attempts.run(job(RETURN, timeout="soon")).error.startswith("timeout: ")


def test_an_error_in_a_plugin_fails_the_attempt_and_not_the_worker(attempts: Attempts) -> None:
    ended = given(attempts, raising(ZeroDivisionError("by zero")))

    assert (ended.state, ended.error) == (State.FAILED, "ZeroDivisionError: by zero")


def test_a_failure_keeps_its_outputs(attempts: Attempts) -> None:
    ended = given(attempts, raising(TaskFailed("half done", {"done": 1})))

    assert (ended.error, ended.outputs_json) == ("half done", b'{"done":1}')


def test_outputs_that_are_no_json_fail_the_attempt(attempts: Attempts) -> None:
    ended = given(attempts, lambda _context: {"a": "\udcff"})

    assert ended.state is State.FAILED
    assert "JSON" in ended.error


def test_the_folder_is_there_while_it_runs_and_gone_afterwards(attempts: Attempts) -> None:
    seen: list[Any] = []

    def act(context: RunContext) -> None:
        seen.append(context.folder.root)
        assert seen[0].is_dir()
        raise TaskFailed("anyway")

    given(attempts, act)
    attempts.processes.folders.close()
    assert not seen[0].exists()


def test_world_functions_read_stored_files(attempts: Attempts) -> None:
    uri = attempts.files().put("x.txt", io.BytesIO(b"text"))
    templates = {
        "read(u)": "text",
        "fileSize(u)": "4",
        "fileExists(u)": "true",
        "isFileEmpty(u)": "false",
        "fileURI(u)": uri,
    }
    for template, wanted in templates.items():
        made = job(RETURN, properties={"format": f"{{{{ {template} }}}}"}, variables={"u": uri})
        assert attempts.outputs(made) == {"value": wanted}


def test_a_bare_path_is_a_file_of_the_namespace(attempts: Attempts) -> None:
    attempts.storage.put("company/team/_files/a/b c.txt", io.BytesIO(b"text"))
    attempts.storage.put("company/_files/above.txt", io.BytesIO(b"above"))
    attempts.storage.put("company/team/sub/_files/below.txt", io.BytesIO(b"below"))
    templates = {
        "read('a/b c.txt')": "text",
        "read('nsfile:///a/b c.txt')": "text",
        "fileURI('a/b c.txt')": "kestra:///company/team/_files/a/b%20c.txt",
        "read(fileURI('a/b c.txt'))": "text",
        "read('above.txt', namespace='company')": "above",
        "fileExists('a/b c.txt')": "true",
        "fileExists('no-such-file')": "false",
        "fileSize('a/b c.txt')": "4",
    }
    for template, wanted in templates.items():
        made = job(RETURN, properties={"format": f"{{{{ {template} }}}}"})
        assert attempts.outputs(made) == {"value": wanted}, template
    refused = attempts.run(job(RETURN, properties={"format": "{{ read('below.txt', 'company.team.sub') }}"}))
    assert "another execution or namespace" in refused.error


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "kestra:///a/b/executions/other/x",
        "kestra:///company/team/_filesystem/x",
        "../../secret",
        "a/../../x",
        "notes.txt",
    ],
)
def test_read_refuses_what_is_not_of_this_execution(attempts: Attempts, path: str) -> None:
    ended = attempts.run(job(RETURN, properties={"format": "{{ read(p) }}"}, variables={"p": path}))

    assert ended.state is State.FAILED
    assert "Function 'read'" in ended.error


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("secret('json', subkey='user')", "ada"),
        ("secret('json', subkey='deep')", '{"a":1}'),
        ("secret('lower')", "case"),
        ("env('colour')", "blue"),
        ("env('none', 'default')", "default"),
        ("randomPort() > 1023", "true"),
    ],
)
def test_world_functions_read_the_environment(make_attempts: Make, template: str, wanted: str) -> None:
    attempts = make_attempts(
        environment={
            "SECRET_JSON": encoded('{"user":"ada","deep":{"a":1}}'),
            "SECRET_LOWER": encoded("case"),
            "SECRET_BROKEN": "%",
            "ENV_COLOUR": "blue",
            "PATH": "private",
        }
    )

    made = job(RETURN, properties={"format": f"{{{{ {template} }}}}"})
    assert attempts.outputs(made) == {"value": wanted}


@pytest.mark.parametrize("template", ["secret('broken')", "secret('json', subkey='none')", "env('path')"])
def test_what_the_environment_does_not_offer_is_an_error(make_attempts: Make, template: str) -> None:
    attempts = make_attempts(environment={"SECRET_JSON": encoded("{}"), "SECRET_BROKEN": "%", "PATH": "private"})

    ended = attempts.run(job(RETURN, properties={"format": f"{{{{ {template} }}}}"}))
    assert ended.state is State.FAILED
    assert "private" not in ended.error


def test_lines_are_kept_in_a_file_where_the_task_wants_it(attempts: Attempts) -> None:
    uri = "kestra:///company/flow/executions/e/tasks/t/r/attempt-1.log"
    wanted = msgspec.structs.replace(
        job("io.kestra.plugin.core.log.Log", properties={"message": "Hello"}), log_file=uri
    )

    assert attempts.run(wanted).state is State.SUCCESS
    with attempts.equipment.storage.open(uri) as file:
        assert file.read().endswith(b"INFO  Hello\n")
    assert attempts.lines == []
