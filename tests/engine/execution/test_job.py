"""What a worker gets with a grant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.job import Job, build_job, job_from_json, job_to_json
from engine.execution.step import EXECUTIONS
from engine.values import Dialect
from tests.engine.execution.driven import Driven

BEFORE = """
id: flow
namespace: test
labels: {team: x}
variables: {v: 1}
tasks:
- {id: a, type: OutputValues, values: {small: s, large: LARGE}}
- {id: b, type: Return, format: b}
- {id: with-dash, type: Return, format: d}
- id: each
  type: ForEach
  values: [x, y]
  tasks: [{id: in-loop, type: Return, format: "{{ taskrun.value }}"}]
"""


def job_of(task: str, **create: Any) -> Job:
    run = Driven(BEFORE + f"- {{id: t, type: Work, {task}}}\n", {"i": {"n": 1}}).create(**create)
    job = run.claim("t")
    assert job is not None
    return job


def test_it_names_the_attempt_and_brings_the_properties_unrendered() -> None:
    job = job_of('script: "echo {{ inputs.i.n }}", timeout: PT5S, logLevel: WARN, allowFailure: true')

    assert job == msgspec.structs.replace(
        job,
        execution_id="execution",
        namespace="test",
        flow_id="flow",
        revision=1,
        epoch=1,
        task_id="t",
        task_type="io.kestra.plugin.scripts.shell.Script",
        properties={"script": "echo {{ inputs.i.n }}"},
        timeout="PT5S",
        log_level="WARN",
        started_ms=1_000_000,
        allow_failure=True,
        allow_warning=False,
    )


def test_it_brings_the_variables() -> None:
    variables = job_of("script: x", trigger_json=b'{"id": "t", "variables": {"d": 1}}').variables

    assert variables["flow"] == {"id": "flow", "namespace": "test", "revision": 1, "tenantId": "main"}
    assert variables["execution"]["id"] == "execution"
    assert variables["inputs"] == {"i": {"n": 1}}
    assert variables["vars"] == {"v": 1}
    assert variables["labels"] == {"team": "x", "system": {"correlationId": "execution"}}
    assert variables["trigger"] == {"d": 1}
    assert variables["task"] == {"id": "t", "type": "io.kestra.plugin.scripts.shell.Script"}
    assert variables["taskrun"]["attemptsCount"] == 0
    assert variables["outputs"] == {}


@pytest.mark.parametrize(
    ("script", "outputs"),
    [
        ("{{ outputs.b.value }}", {"b": {"value": "b"}}),
        ("{{ outputs['with-dash'].value }}", {"with-dash": {"value": "d"}}),
        ("{{ outputs.a['values'].small }}", {"a": {"values": {"small": "s"}}}),
        ("{{ outputs['in-loop'].x.value }}", {"in-loop": {"x": {"value": "x"}}}),
        ("{{ outputs['in-loop'] | keys }}", {"in-loop": {"x": {"value": "x"}, "y": {"value": "y"}}}),
        ("{{ outputs.nothing ?? 'none' }}", {}),
        ("{{ outputs.b.value.more ?? 'none' }}", {"b": {"value": "b"}}),
    ],
)
def test_of_the_outputs_it_brings_what_the_templates_mention(script: str, outputs: dict[str, Any]) -> None:
    assert job_of(f'script: "{script}"').variables["outputs"] == outputs


@pytest.mark.parametrize(
    "script",
    ["{{ outputs }}", "{{ render(vars.v) }}", "{% for o in outputs %}{{ o }}{% endfor %}", "{{ outputs | keys }}"],
)
def test_it_brings_all_outputs_if_it_cannot_know_which(script: str) -> None:
    assert sorted(job_of(f'script: "{script}"').variables["outputs"]) == ["a", "b", "in-loop", "with-dash"]


def test_a_subscript_that_is_a_variable_is_looked_up() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: [x, y]
      tasks:
      - {id: r, type: Return, format: "{{ taskrun.value }}"}
      - {id: t, type: Work, script: "{{ outputs.r[taskrun.value].value }}"}
    """).create()
    job = run.claim("t/x")
    assert job is not None

    assert job.variables["outputs"] == {"r": {"x": {"value": "x"}}}
    assert job.variables["taskrun"]["value"] == "x"


def test_templates_in_timeout_and_nested_properties_count() -> None:
    job = job_of("""script: x, timeout: "{{ outputs.b.value }}", env: {K: ["{{ outputs['with-dash'].value }}"]}""")

    assert sorted(job.variables["outputs"]) == ["b", "with-dash"]


def test_a_template_that_is_none_is_left_to_the_worker() -> None:
    assert job_of('script: "{{ outputs.b. }}"').variables["outputs"] == {}


def test_it_survives_its_way_to_the_worker() -> None:
    job = job_of('script: "{{ outputs.a }}"')

    assert job_from_json(job_to_json(job)) == job


def test_there_is_none_for_a_task_run_that_is_gone() -> None:
    run = Driven(BEFORE).run()
    draft = ExecutionDraft(EXECUTIONS, run.id, run.rows, run.now_ms, run.setting)

    assert build_job(draft, "nothing") is None


def test_why_tasks_failed_comes_where_a_template_asks_for_it() -> None:
    run = Driven("""
    tasks: [{id: a, type: Fail}]
    errors: [{id: t, type: Work, script: "{{ errorLogs() }}"}]
    """).create()
    job = run.claim("t")
    assert job is not None
    assert [(each["taskId"], each["message"]) for each in job.error_logs] == [("a", "Task failure")]

    assert job_of("script: x").error_logs == []


def test_states_of_tasks_come_where_a_template_asks_for_them() -> None:
    run = Driven("""
    tasks: [{id: a, type: Fail}]
    errors: [{id: t, type: Work, script: "{{ tasksWithState('FAILED') }} {{ tasks.a.state }}"}]
    """).create()
    job = run.claim("t")
    assert job is not None
    assert job.variables["tasks"]["a"] == {"state": "FAILED"}

    assert "tasks" not in job_of("script: x").variables


@pytest.mark.parametrize(("dialect", "value"), [(Dialect.V1, "6"), (Dialect.V2, "5")])
def test_templates_are_of_the_dialect_that_the_instance_has(dialect: Dialect, value: str) -> None:
    flow = """
id: flow
namespace: test
tasks:
- {id: a, type: Return, format: "{{ 1 + nothing ?? 5 }}"}
- {id: t, type: Work, script: x}
"""
    run = Driven(flow, dialect=dialect).create()
    assert run.value("a") == value
    job = run.claim("t")
    assert job is not None and job_from_json(job_to_json(job)).dialect is dialect


def test_a_task_that_keeps_its_lines_in_a_file_is_a_workers_and_has_one_for_each_attempt() -> None:
    run = Driven("tasks: [{id: t, type: Return, format: x, logToFile: true}]").create()
    job = run.claim("t")
    (started,) = run.of(e.TaskRunStarted)

    assert job is not None
    assert job.log_file == started.log_file
    assert job.log_file == f"kestra:///test/flow/executions/execution/tasks/t/{run['t'].id}/attempt-1.log"
    assert job_of("script: x").log_file == ""
