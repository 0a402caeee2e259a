"""The shapes that clients of the API read: validation results, bodies, the schema."""

from __future__ import annotations

import json

from engine.flow.body import flow_to_json
from engine.flow.inputs import TYPE_PROPERTIES
from engine.flow.parse import FLOW_KEYS
from engine.flow.schema import flow_json_schema
from engine.flow.types import TYPES
from engine.flow.validate import validate_part, validate_result, validate_results
from tests.engine.flow.flows import CORE, flow_of, log


def test_a_valid_flow_has_no_constraints() -> None:
    result = validate_result(flow_of("revision: 4"), last_revision=3)

    assert {key: value for key, value in result.items() if key != "problems"} == {
        "index": 0,
        "flow": "one",
        "namespace": "some.team",
        "constraints": None,
        "outdated": False,
        "deprecationPaths": [],
        "warnings": [],
        "infos": [],
    }


def test_a_revision_that_is_not_the_next_one_is_outdated() -> None:
    assert validate_result(flow_of("revision: 3"), last_revision=3)["outdated"] is True
    assert validate_result(flow_of(""), last_revision=3)["outdated"] is False


def test_findings_go_into_the_list_of_their_kind() -> None:
    body = f"""
x: 1
tasks:
  - {{id: a, type: io.kestra.core.tasks.debugs.Return, format: "{{{{ inputs.no }}}}"}}
  - {{id: p, type: {CORE}flow.Pause, delay: PT1S}}
"""
    result = validate_result(flow_of(body, tasks=False))

    assert result["constraints"].startswith("x: Unknown property 'x' of a flow")
    assert result["deprecationPaths"] == ["tasks[p].delay"]
    assert result["infos"] == [f"io.kestra.core.tasks.debugs.Return is replaced by {CORE}debug.Return"]
    assert result["warnings"][0].startswith("tasks[a].format: The flow has no input 'no'")
    assert {"severity", "rule", "message", "line", "column", "path", "hint", "pointer"} == set(result["problems"][0])
    json.dumps(result)


def test_every_document_has_a_result_of_its_own() -> None:
    results = validate_results(flow_of("") + "---\nid: two\n---\na: [\n")

    assert [(result["index"], result["flow"]) for result in results] == [(0, "one"), (1, "two"), (2, None)]
    assert "YAML syntax error" in results[2]["constraints"]


def test_a_single_task_or_trigger_is_checked_in_its_own_text() -> None:
    task = validate_part(f"id: a\ntype: {CORE}log.Log\nmesage: x\n", "TASKS")
    trigger = validate_part(f"id: a\ntype: {CORE}trigger.Schedule\ncron: x\n", "TRIGGERS")

    assert [(p["line"], p["path"]) for p in task["problems"]] == [(1, "tasks[a]"), (3, "tasks[a].mesage")]
    assert "Invalid cron expression 'x'" in trigger["constraints"]
    assert validate_part("id: a\ntype: com.acme.T\n", "TASKS")["constraints"] is None
    assert validate_part("- 1\n", "TASKS")["constraints"] is not None


def test_the_body_of_a_flow_is_what_was_written() -> None:
    body = flow_to_json(
        flow_of(f"revision: 3\nlabels: {{a: 1}}\nretry: {{type: constant, interval: 5}}\ntasks: [{log('a')}]", False)
    )

    assert body == {
        "id": "one",
        "namespace": "some.team",
        "labels": [{"key": "a", "value": "1"}],
        "retry": {"type": "constant", "interval": 5},
        "tasks": [{"id": "a", "type": f"{CORE}log.Log", "message": "hi"}],
        "disabled": False,
        "deleted": False,
    }


def test_a_text_that_cannot_be_read_has_a_body_with_the_reason() -> None:
    assert "YAML syntax error" in flow_to_json("a: [")["exception"]
    assert flow_to_json("- 1")["exception"]


def test_the_schema_knows_every_type_and_every_property_of_a_flow() -> None:
    schema = flow_json_schema()

    assert set(schema["properties"]) == FLOW_KEYS
    assert set(TYPES) <= set(schema["$defs"])
    assert len(schema["$defs"]["input"]["anyOf"]) == len(TYPE_PROPERTIES)
    assert flow_json_schema() is schema


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    schema = flow_json_schema()
    text = json.dumps(schema)
    references = {part.split('"', 1)[0] for part in text.split('"#/$defs/')[1:]}

    assert references <= set(schema["$defs"])


def test_the_type_alone_says_which_schema_a_task_has_to_meet() -> None:
    task = flow_json_schema()["$defs"]["task"]
    chosen = {name: each["then"]["$ref"] for each in task["allOf"] for name in each["if"]["properties"]["type"]["enum"]}

    assert "anyOf" not in task
    assert chosen[f"{CORE}log.Log"] == chosen["io.kestra.core.tasks.log.Log"] == f"#/$defs/{CORE}log.Log"
    assert set(chosen) == set(task["properties"]["type"]["anyOf"][0]["enum"])
    assert f"{CORE}trigger.Schedule" not in chosen


def test_an_old_name_is_accepted_where_the_new_one_is() -> None:
    log_schema = flow_json_schema()["$defs"][f"{CORE}log.Log"]

    assert "io.kestra.core.tasks.log.Log" in log_schema["properties"]["type"]["enum"]
    assert log_schema["required"] == ["id", "type", "message"]
    assert log_schema["additionalProperties"] is False
    assert flow_json_schema()["$defs"][f"{CORE}debug.Echo"]["deprecated"] is True


def test_no_alias_is_the_name_of_another_type() -> None:
    for name, info in TYPES.items():
        for alias in info.other.split():
            assert alias not in TYPES, (name, alias)
