"""`log.Fetch`: lines as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.execution import events as e
from tests.worker.attempts import Attempts
from tests.worker.executors import EXECUTION, job
from topics import catalog, serde
from topics.messages import Cause, LogEntry, Step
from worker.plugins import log_fetch

TYPE = "io.kestra.plugin.core.log.Fetch"


@pytest.fixture
def logged(attempts: Attempts) -> Attempts:
    writer = attempts.log.writer()
    for id, flow_id in ((EXECUTION, "hello"), ("upstream", "other")):
        created = e.ExecutionCreated(namespace="company.team", flow_id=flow_id, revision=1, at_ms=0)
        step = Step(
            epoch=0,
            n=0,
            cause=Cause(kind="inbox", offset=0, request=""),
            id=id,
            seq=0,
            at_ms=0,
            namespace="company.team",
            flow=flow_id,
            revision=1,
            events=(created,),
        )
        writer.append(catalog.EXECUTIONS_EVENTS, 0, id.encode(), serde.encode_step("executions", step))
        for number, (task, level) in enumerate((("a", "DEBUG"), ("a", "INFO"), ("b", "ERROR"), ("c", "INFO"))):
            entry = LogEntry(
                id=f"{id}/{number}",
                execution_id=id,
                namespace="company.team",
                flow_id=flow_id,
                task_id=task,
                task_run_id=f"run-{task}",
                attempt=1,
                at_ms=number,
                level=level,
                thread="t",
                message=f"{flow_id} {number}",
                number=number,
            )
            writer.append(catalog.LOGS, 0, id.encode(), serde.encode(entry))
    while writer.outstanding:
        writer.poll(1.0)
    return attempts


def rows(attempts: Attempts, tmp_path: Path, **properties: Any) -> list[dict[str, Any]]:
    outputs = attempts.outputs(job(TYPE, properties=properties))
    target = tmp_path / "fetched"
    attempts.files().fetch(outputs["uri"], target)
    found = [json.loads(line) for line in target.read_text().splitlines()]
    target.unlink()
    assert outputs["size"] == len(found)
    return found


@pytest.mark.parametrize(
    ("properties", "messages"),
    [
        ({}, ["hello 1", "hello 2", "hello 3"]),
        ({"level": "DEBUG"}, ["hello 0", "hello 1", "hello 2", "hello 3"]),
        ({"level": "{{ 'ERROR' }}"}, ["hello 2"]),
        ({"tasksId": ["a", "{{ 'c' }}"]}, ["hello 1", "hello 3"]),
        ({"tasksId": ["nobody"]}, []),
        ({"executionId": EXECUTION}, ["hello 1", "hello 2", "hello 3"]),
        ({"executionId": "upstream", "flowId": "other", "level": "ERROR"}, ["other 2"]),
        ({"executionId": "upstream", "namespace": "company.team", "flowId": "other", "tasksId": ["a"]}, ["other 1"]),
    ],
)
def test_lines_are_chosen_by_execution_task_and_level(
    logged: Attempts, tmp_path: Path, properties: dict[str, Any], messages: list[str]
) -> None:
    assert [row["message"] for row in rows(logged, tmp_path, **properties)] == messages


def test_a_row_has_what_clients_know_of_a_line(logged: Attempts, tmp_path: Path) -> None:
    assert rows(logged, tmp_path, tasksId=["b"]) == [
        {
            "namespace": "company.team",
            "flowId": "hello",
            "taskId": "b",
            "executionId": EXECUTION,
            "taskRunId": "run-b",
            "attemptNumber": 0,
            "timestamp": "1970-01-01T00:00:00.002Z",
            "level": "ERROR",
            "thread": "t",
            "message": "hello 2",
        }
    ]


@pytest.mark.parametrize("properties", [{"executionId": "nobody"}, {"executionId": "upstream"}])
def test_an_execution_that_is_not_of_the_flow_is_not_found(logged: Attempts, properties: dict[str, Any]) -> None:
    error = logged.run(job(TYPE, properties=properties)).error
    assert error.startswith(f"The log has no execution {properties['executionId']} of flow company.team.hello")


def test_too_many_lines_are_refused_with_the_remedy(logged: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_fetch, "LINES_MAX", 2)
    assert "ask for fewer tasks" in logged.run(job(TYPE)).error
