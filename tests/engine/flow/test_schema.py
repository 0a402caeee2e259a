"""The JSON schema says the same as the checks, as far as a schema can."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from engine.flow import parse_flow
from engine.flow.schema import flow_json_schema
from engine.flow.shapes.table_kinds import kind_named
from engine.flow.type_docs import type_document
from engine.flow.types import TYPES
from tests.engine.flow.flows import CORE, flow_of
from tests.engine.flow.test_rules import ERRORS, INFOS, WARNINGS, expand
from tests.engine.flow.test_shapes import FITS, UNFIT

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus" / "flows"
SAYABLE = frozenset({"type-mismatch", "unknown-property", "choice", "range", "duration", "pattern"})
"""Rules about one property at a time."""
BEYOND = ("'duration' of a quota", "above zero", "Expected a value of type")
"""What no schema says, although the rule is one about one property."""


@cache
def schema() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(flow_json_schema())


def accepts(text: str) -> bool:
    raw: Any = parse_flow(text).raw
    return schema().is_valid(raw)


def test_it_is_a_schema() -> None:
    assert jsonschema_rs.meta.is_valid(flow_json_schema())


@pytest.mark.parametrize(("body", "rule", "says"), [row for row in ERRORS if row[1] in SAYABLE])
def test_what_the_checks_refuse_about_one_property_the_schema_refuses_too(body: str, rule: str, says: str) -> None:
    text = flow_of(expand(body), tasks=False)

    beyond = any(word in parse_flow(text).errors[0].message for word in BEYOND)

    assert accepts(text) == beyond


@pytest.mark.parametrize("body", [row[0] for row in (*WARNINGS, *INFOS) if row[1] != "type-mismatch"])
def test_what_can_be_saved_the_schema_accepts(body: str) -> None:
    assert accepts(flow_of(expand(body), tasks=False))


def test_every_sound_flow_of_the_fuzzers_is_accepted() -> None:
    tried = 0
    for path in sorted(CORPUS.glob("*.txt")):
        parsed = parse_flow(path.read_text("utf-8", "replace"))
        # Where the table isn't sure of a plugin's type, the schema says more than the remark of the checks.
        if parsed.flow is not None and not any(problem.rule in SAYABLE for problem in parsed.problems):
            assert schema().is_valid(parsed.raw), path.name
            tried += 1

    assert tried > 5


@pytest.mark.parametrize("kind", FITS)
def test_a_kind_has_a_schema_that_takes_the_same_values(kind: str) -> None:
    checker = jsonschema_rs.validator_for({**kind_named(kind).schema, "$defs": flow_json_schema()["$defs"]})

    assert [value for value in (*FITS[kind], None) if not checker.is_valid(value)] == []
    assert [value for value in UNFIT.get(kind, ()) if checker.is_valid(value)] == []


def test_an_old_name_of_a_type_is_held_to_the_same_schema() -> None:
    old = "{id: a, type: io.kestra.core.tasks.log.Log, message: x}"

    assert accepts(flow_of(f"tasks: [{old}]", tasks=False))
    assert not accepts(flow_of(f"tasks: [{old.replace('message', 'mesage')}]", tasks=False))


def test_a_type_that_nobody_knows_may_have_anything_but_what_all_tasks_have() -> None:
    assert accepts(flow_of("tasks: [{id: a, type: com.acme.T, x: [1]}]", tasks=False))
    assert not accepts(flow_of("tasks: [{id: a, type: com.acme.T, retry: {type: often}}]", tasks=False))
    assert not accepts(flow_of(f"tasks: [{{id: a, type: {CORE}no.Such}}]", tasks=False))
    assert not accepts(flow_of("tasks: [{id: a, type: Log}]", tasks=False))


def test_the_document_of_a_type_holds_all_that_it_refers_to() -> None:
    for name in TYPES:
        found = type_document(name)
        assert found is not None
        text = str(found["schema"])
        wanted = {part.split("'", 1)[0] for part in text.split("'#/definitions/")[1:]}
        assert wanted == set(found["schema"]["definitions"]), name


def test_the_document_of_a_type_completes_one_task() -> None:
    found = type_document("io.kestra.core.tasks.log.Log")
    assert found is not None
    properties = found["schema"]["properties"]
    checker = jsonschema_rs.validator_for({**properties, "definitions": found["schema"]["definitions"]})

    assert found["cls"] == f"{CORE}log.Log"
    assert properties["properties"]["level"]["default"] == "INFO"
    assert properties["properties"]["timeout"]["$group"] == "core"
    assert "$group" not in properties["properties"]["message"]
    assert checker.is_valid({"id": "a", "type": f"{CORE}log.Log", "message": "x", "timeout": "PT1S"})
    assert not checker.is_valid({"id": "a", "type": f"{CORE}log.Log", "message": "x", "timeout": "soon"})
    assert "`level` (TRACE | DEBUG | INFO | WARN | ERROR, default `INFO`)" in found["markdown"]


def test_a_document_of_a_flowable_is_small() -> None:
    found = type_document(f"{CORE}flow.Switch")

    assert found is not None
    assert len(str(found)) < 50_000
    assert type_document("io.nobody.Nothing") is None


def test_every_property_of_a_flow_is_explained() -> None:
    assert all("description" in each for each in flow_json_schema()["properties"].values())
