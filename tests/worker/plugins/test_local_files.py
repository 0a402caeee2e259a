"""`storage.LocalFiles`: writes files into the working directory, and stores some of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.execution.job import Job
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.storage.LocalFiles"


def local_files(**properties: Any) -> Job:
    return job(TYPE, properties=properties)


def read(attempts: Attempts, uri: str) -> str:
    return attempts.files().read_text(uri, 100)


def test_inputs_become_files_and_patterns_choose_what_is_stored(attempts: Attempts) -> None:
    inputs = {"out/a.txt": "{{ flow.id }}", "out/b.json": {"n": 1}, "other.txt": "x", "left-out.txt": None}
    uris = attempts.outputs(local_files(inputs=inputs, outputs=["out/*"]))["uris"]

    assert {path: read(attempts, uri) for path, uri in uris.items()} == {"out/a.txt": "hello", "out/b.json": '{"n":1}'}


def test_inputs_may_be_one_template_and_stored_files(attempts: Attempts) -> None:
    stored = attempts.outputs(local_files(inputs={"a.txt": "1"}, outputs=["a.txt"]))["uris"]["a.txt"]
    found = attempts.outputs(local_files(inputs='{"b.txt": "%s"}' % stored, outputs=["*"]))  # noqa: UP031

    assert read(attempts, found["uris"]["b.txt"]) == "1"


def test_without_anything_to_do_it_does_nothing(attempts: Attempts) -> None:
    assert attempts.outputs(local_files()) == {"uris": {}}


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"inputs": {"../x": "1"}}, "inputs: Expected a path relative to its folder"),
        ({"inputs": {"x": "file:///etc/passwd"}}, "inputs: x comes from file://"),
        ({"outputs": ["../*"]}, "outputs: expected a pattern within the working directory"),
    ],
)
def test_what_leads_out_of_the_folder_is_refused(attempts: Attempts, properties: dict[str, Any], says: str) -> None:
    ended = attempts.run(local_files(**properties))

    assert ended.state == "FAILED"
    assert ended.error.startswith(says)
