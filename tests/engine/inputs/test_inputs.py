from __future__ import annotations

from typing import Any

import pytest

from engine.flow.model import Input
from engine.inputs.resolve import Resolution, resolve_inputs
from engine.inputs.values import parse_value
from engine.values import Dialect

VARIABLES = {"vars": {"greeting": "hi"}, "flow": {"id": "f"}}


def resolved(inputs: list[Input], given: dict[str, Any] | None = None, seal: Any = None) -> Resolution:
    return resolve_inputs(inputs, given or {}, VARIABLES, 0, seal)


@pytest.mark.parametrize(
    ("kind", "properties", "given", "value"),
    [
        ("STRING", {}, "a", "a"),
        ("STRING", {}, 4, "4"),
        ("STRING", {}, True, "true"),
        ("STRING", {"validator": r"A\d+"}, "A123", "A123"),
        ("STRING", {"validator": r"[a-z&&[^x]]+\p{Punct}"}, "abc!", "abc!"),
        ("INT", {}, "42", 42),
        ("INT", {"min": 10, "max": 20}, 20, 20),
        ("FLOAT", {}, "42.42", 42.42),
        ("BOOL", {}, "TRUE", True),
        ("BOOL", {}, "yes", False),
        ("DATETIME", {}, "2019-10-06T18:27:49Z", "2019-10-06T18:27:49Z"),
        ("DATETIME", {}, "2019-10-06T20:27:49.500+02:00", "2019-10-06T18:27:49.5Z"),
        ("DATE", {"after": "2023-01-01"}, "2023-01-01", "2023-01-01"),
        ("TIME", {}, "18:27:49", "18:27:49"),
        ("DURATION", {"min": "PT10S"}, "PT10S", "PT10S"),
        ("DURATION", {}, "30", "PT30S"),
        ("DURATION", {}, "P1DT2H90S", "PT26H1M30S"),
        ("DURATION", {}, "pt0.250001s", "PT0.250001S"),
        ("DURATION", {}, "-PT90S", "PT-1M-30S"),
        ("DURATION", {}, "PT0S", "PT0S"),
        ("FILE", {"allowedFileExtensions": [".csv"]}, "kestra:///x/A.CSV", "kestra:///x/A.CSV"),
        ("JSON", {}, '{"a": [1]}', {"a": [1]}),
        ("JSON", {}, {"a": 1}, {"a": 1}),
        ("YAML", {}, "a:\n- 1\n- x", {"a": [1, "x"]}),
        ("URI", {}, "https://www.example.com", "https://www.example.com"),
        ("URI", {}, "mailto:a@b", "mailto:a@b"),
        ("EMAIL", {}, "", ""),
        ("EMAIL", {}, "a@b", "a@b"),
        ("SELECT", {"values": ["A", {"label": "B!", "value": "B"}]}, "B", "B"),
        ("SELECT", {"values": ["A"], "allowCustomValue": True}, "Z", "Z"),
        ("MULTISELECT", {"values": ["A", "B"]}, '["B"]', ["B"]),
        ("MULTISELECT", {"values": [1, 2], "itemType": "INT"}, "[2]", [2]),
        ("ARRAY", {"itemType": "INT"}, "[1, 2]", [1, 2]),
        ("ARRAY", {"itemType": "STRING"}, "- a\n- b", ["a", "b"]),
    ],
)
def test_a_value_takes_the_type_of_its_input(kind: str, properties: dict[str, Any], given: Any, value: Any) -> None:
    assert parse_value(kind, properties, given) == value


@pytest.mark.parametrize(
    ("kind", "properties", "given", "said"),
    [
        ("STRING", {"validator": r"A\d+"}, "A123x", "matches"),
        ("STRING", {"validator": r"\d+"}, "١٢٣", "matches"),
        ("STRING", {"validator": r"[a-z&&[^x]]+"}, "axb", "matches"),
        ("STRING", {"validator": "("}, "x", "no pattern"),
        ("STRING", {"validator": r"(a+)+b"}, "a" * 40 + "c", ""),
        ("INT", {}, "notAnInt", "whole number"),
        ("INT", {}, "3000000000", "32 bits"),
        ("INT", {}, True, "whole number"),
        ("INT", {"min": 10}, "9", "10"),
        ("INT", {"max": 20}, "21", "20"),
        ("FLOAT", {"max": 0.5}, "1.01", "0.5"),
        ("FLOAT", {}, "NaN", "number"),
        ("DATETIME", {}, "2019-10-06", "2026-01-31T08:00:00Z"),
        ("DATETIME", {"after": "2023-01-01T00:00:00Z"}, "2022-01-01T00:00:00Z", "after"),
        ("DATE", {"before": "2023-12-31"}, "2024-01-01", "2023-12-31"),
        ("TIME", {"after": "01:00:00"}, "00:00:01", "01:00:00"),
        ("DURATION", {"min": "PT10S"}, "PT1S", "PT10S"),
        ("DURATION", {"max": "PT20S"}, "PT30S", "PT20S"),
        ("DURATION", {}, "soon", "duration"),
        ("FILE", {}, "http://x/y", "kestra"),
        ("FILE", {"allowedFileExtensions": [".csv"]}, "kestra:///x.txt", ".csv"),
        ("JSON", {}, "{", "JSON"),
        ("YAML", {}, "a: [", "YAML"),
        ("URI", {}, "http:/bla", "host"),
        ("URI", {}, "just text", "scheme"),
        ("EMAIL", {}, "nobody", "e-mail"),
        ("SELECT", {"values": ["ENUM_VALUE", "OTHER_ONE"]}, "INVALID", "ENUM_VALUE, OTHER_ONE"),
        ("MULTISELECT", {"values": ["A"]}, ["B"], "'B'"),
        ("ARRAY", {"itemType": "INT"}, '["s1"]', "element 0"),
        ("ARRAY", {"itemType": "INT"}, "7", "list"),
        ("FORM", {}, "x", "FORM"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected(
    kind: str, properties: dict[str, Any], given: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=r"(?s).*") as refused:
        parse_value(kind, properties, given)
    assert said in str(refused.value)


def test_dotted_ids_nest() -> None:
    found = resolved(
        [Input(id="a.b", type="INT"), Input(id="a.c.d", type="STRING")], {"a.b": "1", "a": {"c": {"d": "x"}}}
    )
    assert found.values == {"a": {"b": 1, "c": {"d": "x"}}}
    assert not found.unknown


def test_every_error_comes_at_once_with_its_input() -> None:
    found = resolved([Input(id="a", type="INT"), Input(id="b", type="DATE"), Input(id="c", type="BOOL")], {"b": "x"})
    assert [id for id, _ in found.errors] == ["a", "b", "c"]
    assert found.errors[0] == ("a", "missing required input")


def test_a_missing_optional_input_is_null_and_an_unknown_one_only_noted() -> None:
    found = resolved([Input(id="a", type="INT", required=False)], {"z": "1"})
    assert found.values == {"a": None}
    assert found.unknown == ("z",)
    assert not found.errors


def test_defaults_are_rendered_and_typed() -> None:
    inputs = [
        Input(
            id="s", type="STRING", has_defaults=True, defaults="{{ vars.greeting }} {{ inputs.n }}", depends_on=("n",)
        ),
        Input(id="n", type="INT", has_defaults=True, defaults=7),
        Input(id="e", type="STRING", has_defaults=True, defaults=""),
    ]
    found = resolved(inputs)
    assert found.values == {"s": "hi 7", "n": 7, "e": ""}
    assert all(each.is_default for each in found.inputs)


def test_a_default_that_needs_the_world_is_an_error_that_says_so() -> None:
    found = resolved([Input(id="s", type="STRING", has_defaults=True, defaults="{{ secret('x') }}")])
    assert "before an execution exists" in found.errors[0][1]


def test_an_input_whose_condition_does_not_hold_is_left_out_with_all_that_depend_on_it() -> None:
    inputs = [
        Input(id="mode", type="STRING"),
        Input(id="size", type="INT", depends_on=("mode",), condition="{{ inputs.mode == 'big' }}"),
        Input(id="unit", type="STRING", depends_on=("size",)),
    ]
    assert resolved(inputs, {"mode": "small"}).values == {"mode": "small"}
    assert resolved(inputs, {"mode": "big", "size": "3", "unit": "m"}).values == {"mode": "big", "size": 3, "unit": "m"}


def test_dependencies_in_a_circle_are_an_error_not_a_hang() -> None:
    found = resolved([Input(id="a", type="INT", depends_on=("b",)), Input(id="b", type="INT", depends_on=("a",))])
    assert any("leads back" in error for _, error in found.errors)


def test_an_empty_text_counts_as_absent_unless_the_type_is_a_text() -> None:
    inputs = [Input(id="i", type="INT", required=False), Input(id="s", type="STRING", required=False)]
    assert resolved(inputs, {"i": "", "s": ""}).values == {"i": None, "s": ""}


def test_a_secret_is_sealed_or_refused() -> None:
    secret = [Input(id="s", type="SECRET")]
    assert "encryption key" in resolved(secret, {"s": "x"}).errors[0][1]
    assert resolved(secret, {"s": "x"}, lambda text: {"sealed": text}).values == {"s": {"sealed": "x"}}


def test_the_first_value_of_a_select_may_be_its_default_and_values_may_be_an_expression() -> None:
    first = Input(id="s", type="SELECT", properties={"values": ["A", "B"], "autoSelectFirst": True})
    rendered = Input(id="r", type="SELECT", properties={"expression": "{{ ['x', 'y'] }}"})
    assert resolved([first, rendered], {"r": "y"}).values == {"s": "A", "r": "y"}


def test_the_inputs_of_a_form_stand_under_its_id() -> None:
    form = Input(
        id="f", type="FORM", properties={"inputs": [{"id": "a", "type": "INT"}, {"id": "b", "type": "BOOLEAN"}]}
    )
    assert resolved([form], {"f.a": "1", "f.b": "true"}).values == {"f": {"a": 1, "b": True}}


def test_defaults_are_of_the_dialect_that_the_instance_has() -> None:
    inputs = [Input(id="n", type="INT", has_defaults=True, defaults="{{ 1 + nothing ?? 5 }}")]
    values = [resolve_inputs(inputs, {}, VARIABLES, 0, dialect=each).values for each in Dialect]

    assert values == [{"n": 6}, {"n": 5}]


def test_functions_of_the_world_are_answered_where_they_are_offered_and_otherwise_said_to_be_asked_for() -> None:
    inputs = [
        Input(
            id="one", type="SELECT", properties={"expression": "{{ kv('choices') }}"}, has_defaults=True, defaults="b"
        ),
        Input(id="n", type="INT", has_defaults=True, defaults="{{ kv('n') }}"),
    ]
    answers = {"choices": ["a", "b"], "n": 4}

    found = resolve_inputs(inputs, {}, VARIABLES, 0, world={"kv": lambda key: answers[key]})
    assert (found.values, found.asks) == ({"one": "b", "n": 4}, False)
    assert resolved(inputs).asks
    assert not resolved([Input(id="n", type="INT")]).asks
