"""YAML text to the model."""

from __future__ import annotations

import pytest

from engine.flow import Concurrency, Retry, parse_flow, parse_flows
from tests.engine.flow.flows import CORE, flow_of, log, problems, read, sound, the_problem


def test_a_flow_is_read_with_all_its_parts() -> None:
    flow = sound("description: d\nlabels: {a: 1}\nvariables: {v: [1]}\ndisabled: true\nconcurrency: {limit: 2}\n")

    assert (flow.id, flow.namespace, flow.description, flow.disabled) == ("one", "some.team", "d", True)
    assert flow.labels == (("a", "1"),)
    assert flow.variables == {"v": [1]}
    assert flow.concurrency == Concurrency(limit=2)
    assert list(flow.places) == ["only"]


def test_labels_as_a_list_are_the_same_and_the_last_one_wins() -> None:
    assert sound("labels: [{key: a, value: true}, {key: a, value: 2}]").labels == (("a", "2"),)


def test_common_properties_of_a_task_leave_its_own() -> None:
    text = """
tasks:
  - id: t
    type: io.kestra.plugin.core.debug.Return
    format: "{{ 1 }}"
    description: d
    disabled: "true"
    timeout: 30
    runIf: false
    allowFailure: true
    logLevel: WARN
    taskCache: {enabled: true}
    workerGroup: {key: gpu}
"""
    task = sound(text, tasks=False).branches["tasks"][0]

    assert task.properties == {"format": "{{ 1 }}"}
    assert (task.disabled, task.timeout, task.run_if, task.allow_failure) == (True, "30", "false", True)
    assert (task.log_level, task.task_cache, task.worker_group) == ("WARN", {"enabled": True}, {"key": "gpu"})


def test_when_of_a_task_is_its_run_if() -> None:
    task = sound(f"tasks: [{log('t', when='yes')}]", tasks=False).branches["tasks"][0]

    assert task.run_if == "true"


def test_old_type_names_are_resolved_and_remembered() -> None:
    body = "tasks: [{id: t, type: io.kestra.core.tasks.flows.Worker, tasks: [" + log("u") + "]}]"
    task = sound(body, tasks=False).branches["tasks"][0]

    assert (task.type, task.declared_type) == (
        f"{CORE}flow.WorkingDirectory",
        "io.kestra.core.tasks.flows.Worker",
    )
    assert the_problem(body, tasks=False, severity="info").rule == "deprecated-type"


def test_children_of_flowables_stand_in_branches() -> None:
    text = f"""
tasks:
  - id: if
    type: {CORE}flow.If
    condition: "{{{{ true }}}}"
    then: [{log("a")}]
    else: [{log("b")}]
    errors: [{log("c")}]
    finally: [{log("d")}]
  - id: switch
    type: {CORE}flow.Switch
    value: x
    cases:
      1: [{log("e")}]
      two words: [{log("f")}]
    defaults: [{log("g")}]
  - id: pause
    type: {CORE}flow.Pause
    onPause: {log("h")}
errors: [{log("i")}]
afterExecution: [{log("j")}]
"""
    flow = sound(text, tasks=False)
    places = {name: (place.parent, place.branch) for name, place in flow.places.items()}

    assert places == {
        "if": (None, "tasks"),
        "a": ("if", "then"),
        "b": ("if", "else"),
        "c": ("if", "errors"),
        "d": ("if", "finally"),
        "switch": (None, "tasks"),
        "e": ("switch", "cases.1"),
        "f": ("switch", "cases.two words"),
        "g": ("switch", "defaults"),
        "pause": (None, "tasks"),
        "h": ("pause", "onPause"),
        "i": (None, "errors"),
        "j": (None, "afterExecution"),
    }
    assert flow.places["switch"].task.properties == {"value": "x"}


def test_children_of_a_dag_know_what_they_need() -> None:
    text = (
        f"tasks: [{{id: d, type: {CORE}flow.Dag, tasks: [{{task: {log('a')}}}, {{task: {log('b')}, dependsOn: [a]}}]}}]"
    )
    dag = sound(text, tasks=False).branches["tasks"][0]

    assert [(task.id, task.depends_on) for task in dag.branches["tasks"]] == [("a", ()), ("b", ("a",))]


def test_listeners_keep_their_tasks_as_branches_and_their_conditions_as_written() -> None:
    flow = sound(f"listeners: [{{tasks: [{log('a')}]}}, {{conditions: [], tasks: [{log('b')}]}}]")

    assert [task.id for task in flow.branches["listeners.1"]] == ["b"]
    assert flow.extra["listeners"][1]["conditions"] == []


def test_retries_are_in_milliseconds() -> None:
    flow = sound("retry: {type: exponential, interval: PT1S, maxInterval: 60, maxDuration: PT1H, maxAttempts: 3}")

    assert flow.retry == Retry(
        kind="exponential", interval_ms=1000, max_interval_ms=60_000, max_duration_ms=3_600_000, max_attempts=3
    )


def test_inputs_of_both_generations_are_read_alike() -> None:
    text = """
inputs:
  - {name: old, type: BOOLEAN, defaults: true}
  - {id: pick, type: ENUM, values: [A, B]}
  - {id: a.b, type: INT, min: 1, required: false, dependsOn: {inputs: [pick], condition: "{{ true }}"}}
"""
    old, pick, nested = sound(text).inputs

    assert (old.id, old.type, old.has_defaults, old.defaults) == ("old", "BOOL", True, True)
    assert (pick.type, pick.properties) == ("SELECT", {"values": ["A", "B"]})
    assert (nested.required, nested.depends_on, nested.condition) == (False, ("pick",), "{{ true }}")
    assert nested.properties == {"min": 1}


def test_outputs_and_triggers_are_read() -> None:
    text = f"""
outputs: [{{id: o, type: JSON, value: {{a: "{{{{ 1 }}}}"}}, required: false}}]
triggers:
  - id: s
    type: {CORE}trigger.Schedule
    cron: "@daily"
    conditions: [{{type: {CORE}condition.Weekend}}]
    scheduleConditions: [{{type: {CORE}condition.Weekend, date: x}}]
    inputs: {{a: 1}}
    labels: {{k: v}}
    stopAfter: [FAILED]
"""
    flow = sound(text)
    (output,), (trigger,) = flow.outputs, flow.triggers

    assert (output.id, output.type, output.value, output.required) == ("o", "JSON", {"a": "{{ 1 }}"}, False)
    assert [len(condition) for condition in trigger.conditions] == [1, 2]
    assert (trigger.inputs, trigger.labels) == ({"a": 1}, (("k", "v"),))
    assert trigger.properties["stopAfter"] == ["FAILED"]


def test_plugin_defaults_fill_in_below_the_task_and_forced_ones_above() -> None:
    text = f"""
pluginDefaults:
  - type: {CORE}log.Log
    values: {{level: WARN, message: default}}
  - type: {CORE}log
    forced: true
    values: {{logLevel: ERROR}}
"""
    task = sound(text).branches["tasks"][0]

    assert task.properties == {"message": "hi", "level": "WARN"}
    assert task.log_level == "ERROR"


def test_plugin_defaults_reach_nested_maps_old_names_and_merge_deeply() -> None:
    text = f"""
taskDefaults:
  - type: io.kestra.plugin.core.http.Request
    values: {{options: {{timeout: {{connectTimeout: PT1S}}, followRedirects: false}}}}
  - type: io.kestra.plugin.core
    values: {{nothing: of interest}}
tasks:
  - id: seq
    type: {CORE}flow.Sequential
    tasks: [{{id: r, type: io.kestra.plugin.fs.http.Request, uri: u, options: {{followRedirects: true}}}}]
"""
    task = sound(text, tasks=False).places["r"].task

    assert task.properties["options"] == {"followRedirects": True, "timeout": {"connectTimeout": "PT1S"}}
    assert "nothing" not in task.properties


def test_plugin_defaults_of_the_server_yield_to_those_of_the_flow() -> None:
    server = [{"type": f"{CORE}log.Log", "values": {"level": "DEBUG", "message": "m"}}]
    text = f"pluginDefaults: [{{type: {CORE}log.Log, values: {{level: WARN}}}}]"

    assert sound(text, plugin_defaults=server).branches["tasks"][0].properties["level"] == "WARN"
    assert sound("", plugin_defaults=server).branches["tasks"][0].properties["level"] == "DEBUG"


def test_a_version_number_stays_as_it_is_written_where_a_text_is_wanted() -> None:
    kind = "io.kestra.plugin.scripts.python.Script"
    body = (
        f"tasks: [{{id: a, type: {kind}, script: x, pythonVersion: 3.10}}, {{id: b, type: com.acme.T, version1: 3.10}}]"
    )
    flow = sound(body, tasks=False)

    assert flow.places["a"].task.properties["pythonVersion"] == "3.10"
    assert flow.places["b"].task.properties["version1"] == 3.1


def test_all_problems_come_at_once_with_their_places() -> None:
    text = """\
id: bad id
namespace: Upper
surprise: 1
tasks:
  - id: a
    type: io.kestra.plugin.core.log.Log
    mesage: typo
  - type: io.kestra.plugin.core.log.Logg
triggers:
  - id: s
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "61 * * * *"
"""
    found = {(p.rule, p.line, p.path) for p in parse_flow(text).errors}

    assert found == {
        ("pattern", 1, "id"),
        ("pattern", 2, "namespace"),
        ("unknown-property", 3, "surprise"),
        ("required", 5, "tasks[a]"),
        ("unknown-property", 7, "tasks[a].mesage"),
        ("required", 8, "tasks[1]"),
        ("unknown-type", 8, "tasks[1].type"),
        ("cron", 12, "triggers[s].cron"),
    }


def test_a_misspelt_property_comes_with_a_suggestion() -> None:
    found = the_problem(f"tasks: [{{id: a, type: {CORE}debug.Return, fromat: x}}]", tasks=False)

    assert found.hint == "Did you mean 'format'?"
    assert found.pointer == "/tasks/0/fromat"


def test_an_unknown_core_type_is_refused_and_one_of_a_plugin_stored_with_a_warning() -> None:
    assert the_problem(f"tasks: [{{id: a, type: {CORE}log.log, message: x}}]", tasks=False).hint.endswith("log.Log'?")
    assert sound("tasks: [{id: a, type: com.acme.Task, whatever: 1}]", tasks=False).places["a"].task.properties
    assert the_problem("tasks: [{id: a, type: com.acme.Task}]", tasks=False, severity="warning").rule == "unknown-type"


def test_a_trigger_is_no_task() -> None:
    assert (
        "is a trigger" in the_problem(f"tasks: [{{id: a, type: {CORE}trigger.Webhook, key: k}}]", tasks=False).message
    )


@pytest.mark.parametrize("text", ["", "- 1\n", "just text", "a: [", "id: x\nid: y\n"])
def test_what_is_no_flow_is_refused_and_never_raises(text: str) -> None:
    parsed = parse_flow(text)

    assert parsed.flow is None
    assert parsed.errors


def test_a_stored_flow_is_read_leniently_as_long_as_it_has_a_skeleton() -> None:
    body = f"unknown: 1\ntasks: [{log('a', surprise=1)}, {log('a')}]"

    assert read(body, tasks=False).flow is None
    assert read(body, tasks=False, strict=False).flow is not None
    assert read("tasks: [{id: a}]", tasks=False, strict=False).flow is None


def test_several_flows_are_read_from_one_text() -> None:
    first, second = parse_flows(flow_of("") + "---\n" + flow_of("x: 1"))

    assert first.flow is not None
    assert second.flow is None
    assert second.errors[0].line == 9
    assert parse_flow(flow_of("") + "---\n" + flow_of("")).errors[0].rule == "documents"


def test_silenced_rules_stay_quiet_but_errors_are_never_silenced() -> None:
    body = "x: 1\ntasks: [{id: a, type: com.acme.Task}]"
    found = read(body, tasks=False, silenced={"unknown-type", "unknown-property"}).problems

    assert [problem.rule for problem in found] == ["unknown-property"]


def test_an_empty_item_of_a_list_is_named_and_its_siblings_keep_their_places() -> None:
    found = problems(f"tasks:\n  -\n  - {log('a', surprise=1)}\n", tasks=False)

    assert [(p.rule, p.line) for p in found] == [("type-mismatch", 4), ("unknown-property", 5)]
