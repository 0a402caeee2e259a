"""Kinds of properties, models, and how they are read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from engine.flow.document import read_documents
from engine.flow.problems import Report
from engine.flow.schema import flow_json_schema
from engine.flow.shapes.parts import RetryPart, TaskPart
from engine.flow.shapes.reading import findings, read_part
from engine.flow.shapes.table_kinds import OF_TYPES, kind_named
from engine.flow.shapes.typed import model_of, validator_of
from engine.flow.types import TYPES, properties_of
from tests.engine.flow.flows import CORE, problems

TEMPLATE = "{{ inputs.a }}"
FITS: dict[str, list[Any]] = {
    "str": ["x", 3, 3.1, True, TEMPLATE],
    "datetime": ["2030-01-01", TEMPLATE],
    "bool": [True, "true", "FALSE", " true ", TEMPLATE, "{% if x %}1{% endif %}"],
    "int": [3, -3, 3.0, "3", "+3", "-3", TEMPLATE],
    "num": [3, 3.5, "3.5", "1e3", TEMPLATE],
    "duration": ["PT1S", "p1d", "P1DT2H", "30", 30, 0.5, "PT0.25S", TEMPLATE],
    "list": [[], [1], "[1]", TEMPLATE],
    "map": [{}, {"a": 1}, '{"a": 1}', TEMPLATE],
    "labels": [{"a": 1}, [{"key": "a", "value": "b"}], '{"a": 1}', TEMPLATE],
    "level": ["INFO", TEMPLATE],
    "states": [["SUCCESS", "FAILED"], '["SUCCESS"]', TEMPLATE],
    "=states": [["SUCCESS"], []],
    "RED|GREEN": ["RED", TEMPLATE],
    "=RED|GREEN": ["GREEN"],
    "int[1..]": [1, "2", TEMPLATE],
    "=int[100..599]": [100, 599, "404"],
    "=map": [{}],
    "any": [1, [None], {"a": None}],
}
UNFIT: dict[str, list[Any]] = {
    "str": [[], {}],
    "datetime": [[], {}],
    "bool": ["yes", 1, [], {}],
    "int": [3.5, "3.5", "x", "²", "--5", "", True, [], {}],
    "num": ["x", "PT1S", True, [], {}],
    "duration": ["soon", "PT", "P", "", True, [], {}],
    "list": ["x", 3, {}],
    "map": ["x", 3, [], True],
    "labels": ["x", 3],
    "level": ["LOUD", "info", 3],
    "states": [["DONE"], [3], "DONE", 3],
    "=states": [["DONE"], TEMPLATE],
    "RED|GREEN": ["BLUE", "", 3, ["RED"]],
    "=RED|GREEN": ["BLUE", TEMPLATE],
    "int[1..]": [0, 1.5, "x"],
    "=int[100..599]": [99, 600, TEMPLATE],
    "=map": ["x", TEMPLATE, []],
}


@pytest.mark.parametrize("kind", FITS)
def test_a_kind_takes_what_fits_and_nothing_that_is_unset_is_wrong(kind: str) -> None:
    check = SchemaValidator(model_of(properties_of(f"it:{kind}"))).validate_python

    for value in (*FITS[kind], None):
        check({"it": value})


@pytest.mark.parametrize("kind", UNFIT)
def test_a_kind_refuses_the_rest_and_says_what_it_found(kind: str) -> None:
    check = SchemaValidator(model_of(properties_of(f"it:{kind}"))).validate_python

    for value in UNFIT[kind]:
        with pytest.raises(ValidationError) as raised:
            check({"it": value})
        (found,) = findings(raised.value)
        assert found.rule in ("type-mismatch", "choice", "range"), value
        assert found.said.startswith("Expected "), value
        assert ", but found " in found.said, value
        assert found.place[0] == "it"


def test_each_state_that_is_none_is_named() -> None:
    with pytest.raises(ValidationError) as raised:
        SchemaValidator(model_of(properties_of("it:states"))).validate_python({"it": ["SUCCESS", "DONE", "SO"]})

    assert [found.place for found in findings(raised.value)] == [("it", 1), ("it", 2)]


def test_a_property_that_must_be_set_may_not_be_null() -> None:
    check = SchemaValidator(model_of(properties_of("it! tasks:tasks!"))).validate_python

    for given, missing in (({}, True), ({"it": None, "tasks": []}, False)):
        with pytest.raises(ValidationError) as raised:
            check(given)
        assert [(found.rule, found.missing) for found in findings(raised.value)] == [("required", missing)] * 2


def test_every_kind_that_the_table_names_is_known() -> None:
    for name, info in TYPES.items():
        for each in info.properties.values():
            assert kind_named(each.kind), (name, each)
    with pytest.raises(AssertionError, match="no kind 'txt'"):
        kind_named("txt")


def test_a_model_is_made_once() -> None:
    assert validator_of(f"{CORE}log.Log") is validator_of(f"{CORE}log.Log")


def test_what_is_wrong_in_a_part_leaves_the_rest() -> None:
    report = Report(read_documents("")[0])

    found = read_part(report, RetryPart, {"type": "often", "interval": "PT2S", "maxAttempts": [], "x": 1}, ("retry",))

    assert (found.type, found.interval, found.max_attempts) == ("constant", 2000, None)
    assert sorted(problem.rule for problem in report.problems) == ["choice", "type-mismatch", "unknown-property"]


def test_a_part_reads_what_flows_of_the_wild_hold() -> None:
    report = Report(read_documents("")[0])
    raw = {"id": 1, "type": "x", "description": 3.5, "disabled": "True", "timeout": 30, "runIf": False, "own": 1}

    found = read_part(report, TaskPart, raw, ())

    assert (found.description, found.disabled, found.timeout, found.run_if) == ("3.5", True, "30", "false")
    assert not report.problems


def test_a_key_that_is_no_unicode_is_a_problem_and_no_crash() -> None:
    report = Report(read_documents("")[0])

    read_part(report, RetryPart, {"type": "constant", "\ud800": 1}, ())

    assert report.errors


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("sla: [{id: a, type: MAX_DURATION, duration: 1}]", "Use FAIL, CANCEL or NONE"),
        ("retry: {interval: PT1S}", "Use constant, exponential or random"),
        ("retry: {type: constnt, interval: PT1S}", "Did you mean 'constant'?"),
        ("concurrency: {limitt: 1, limit: 1}", "Did you mean 'limit'?"),
        ("workerGroup: x", ""),
        ("inputs: [{id: a, type: SELECT, values: [x], isRadio: maybe}]", ""),
        ("inputs: [{id: a, type: INT, dependsOn: {input: [b]}}]", "Did you mean 'inputs'?"),
    ],
)
def test_a_complaint_says_what_to_do(body: str, says: str) -> None:
    (found,) = problems(body)

    assert says in found.hint


def test_the_kinds_are_definitions_of_the_schema() -> None:
    definitions = flow_json_schema()["$defs"]

    for name, kind in OF_TYPES.items():
        target = kind.schema.get("$ref")
        assert target is None or target.rsplit("/", 1)[-1] in definitions, name
