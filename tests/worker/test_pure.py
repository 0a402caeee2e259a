"""Tasks of the engine on a worker: the same meaning, with a world to ask."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from engine.execution.job import Job
from engine.seals import seal
from engine.values import Dialect, State
from tests.worker.attempts import Attempts, Make
from tests.worker.executors import job
from worker.kill import Kill, Why

CORE = "io.kestra.plugin.core"


def task(name: str, properties: dict[str, Any], **given: Any) -> Job:
    return job(f"{CORE}.{name}", properties=properties, **given)


@pytest.fixture
def secretive(make_attempts: Make) -> Attempts:
    return make_attempts(environment={"SECRET_TOKEN": base64.b64encode(b"hush").decode()})


def test_log_writes_its_messages_at_its_level(attempts: Attempts) -> None:
    attempts.outputs(task("log.Log", {"message": ["a {{ flow.id }}", "b"], "level": "WARN"}))

    assert attempts.lines == [("WARN", "a hello"), ("WARN", "b")]


def test_return_gives_its_rendered_format(attempts: Attempts) -> None:
    assert attempts.outputs(task("debug.Return", {"format": "for {{ flow.id }}"})) == {"value": "for hello"}


def test_fail_fails_with_its_message_once(attempts: Attempts) -> None:
    ended = attempts.run(task("execution.Fail", {"errorMessage": "no {{ flow.id }}"}))

    assert (ended.state, ended.error) == (State.FAILED, "no hello")
    assert attempts.lines == [("ERROR", "no hello")]


def test_sleep_waits_and_a_kill_ends_it(attempts: Attempts) -> None:
    assert attempts.run(task("flow.Sleep", {"duration": "PT0.01S"})).state is State.SUCCESS
    kill = Kill()
    threading.Timer(0.02, kill.ask, [Why.KILLED]).start()
    assert attempts.run(task("flow.Sleep", {"duration": "PT1H"}), kill).state is State.KILLED


def test_sleep_ends_at_its_timeout(attempts: Attempts) -> None:
    ended = attempts.run(task("flow.Sleep", {"duration": "PT1H"}, timeout="PT{{ 0.01 }}S"))

    assert ended.state is State.FAILED
    assert "timeout" in ended.error


def test_a_pause_cannot_wait_on_a_worker(attempts: Attempts) -> None:
    assert "workerGroup" in attempts.run(task("flow.Pause", {})).error


def test_a_task_that_changes_its_execution_cannot_do_so_from_a_worker(attempts: Attempts) -> None:
    assert "workerGroup" in attempts.run(task("execution.Labels", {"labels": {"a": "b"}})).error


def test_templates_that_the_engine_asks_for_are_rendered_in_order(secretive: Attempts) -> None:
    asked = job("penstock.core.Render", properties={"templates": ["{{ secret('TOKEN') }}", "{{ 1 + 1 }}"]})

    assert secretive.outputs(asked) == {"rendered": ["hush", "2"]}


def test_error_logs_come_with_the_job(attempts: Attempts) -> None:
    wanted = task("debug.Return", {"format": "{{ errorLogs()[0].message }}"}, error_logs=[{"message": "oh"}])

    assert attempts.outputs(wanted) == {"value": "oh"}


def test_a_secret_is_read_and_never_written(secretive: Attempts) -> None:
    read = "{{ secret('TOKEN') }}"

    assert secretive.outputs(task("debug.Return", {"format": read})) == {"value": "hush"}
    secretive.run(task("log.Log", {"message": f"it is {read}"}))
    secretive.run(task("execution.Fail", {"errorMessage": f"not {read}"}))
    assert secretive.lines == [("INFO", "it is ******"), ("ERROR", "not ******")]


def test_a_secret_in_a_scripts_output_is_masked(secretive: Attempts) -> None:
    script = {
        "commands": ["echo $T; printf '%s' $T | rev; echo; echo x${T}y >&2"],
        "env": {"T": "{{ secret('TOKEN') }}"},
    }
    secretive.outputs(job("io.kestra.plugin.scripts.shell.Commands", properties=script))

    assert set(secretive.lines) == {("INFO", "******"), ("INFO", "hsuh"), ("ERROR", "x******y")}


def test_a_secret_that_is_missing_fails_with_its_name(secretive: Attempts) -> None:
    assert (
        "Cannot find secret for key 'OTHER'"
        in secretive.run(task("debug.Return", {"format": "{{ secret('OTHER') }}"})).error
    )


def test_templates_are_of_the_dialect_that_the_job_says(attempts: Attempts) -> None:
    properties = {"format": "{{ 1 + nothing ?? 5 }}"}
    values = [attempts.outputs(task("debug.Return", properties, dialect=each))["value"] for each in Dialect]

    assert values == ["6", "5"]


def test_a_secret_input_is_read_with_its_key_and_hidden_in_logs(make_attempts: Make) -> None:
    key = base64.b64encode(bytes(32)).decode()
    variables = {"inputs": {"pw": seal(key, "hushhush", 1), "n": 3}}
    message = task("log.Log", {"message": "{{ inputs.pw }} {{ inputs.n }}"}, variables=variables, sealed=True)
    knows, not_told, wrong = (make_attempts(encryption_key=each) for each in (key, None, key[::-1]))
    knows.outputs(message)

    assert knows.lines == [("INFO", "****** 3")]
    assert "set encryption_key" in not_told.run(message).error
    assert "is encryption_key that of the API?" in wrong.run(message).error
