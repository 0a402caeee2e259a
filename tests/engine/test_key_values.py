"""Values of the key-value store: what a text or a rendered property is."""

from __future__ import annotations

from typing import Any

import pytest

from engine.key_values import Content, Entry, Kind, entry_from_json, entry_to_json, kind_of, read_value, value_as


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ('{hello:"world"}', Kind.JSON, {"hello": "world"}),
        ('{"hello":"world"}', Kind.JSON, {"hello": "world"}),
        ('["hello","world"]', Kind.JSON, ["hello", "world"]),
        ("{a:[2021-01-01, 1.5]}", Kind.JSON, {"a": ["2021-01-01", 1.5]}),
        ('"hello"', Kind.STRING, "hello"),
        ("'hello you'", Kind.STRING, "hello you"),
        ("v1", Kind.STRING, "v1"),
        ('"2021-09-01"', Kind.STRING, "2021-09-01"),
        ("null", Kind.STRING, None),
        (" 1 ", Kind.NUMBER, 1),
        ("1.0", Kind.NUMBER, 1.0),
        ("1d3", Kind.NUMBER, 1000.0),
        ("true", Kind.BOOLEAN, True),
        ("2021-09-01", Kind.DATE, "2021-09-01"),
        ("2021T", Kind.DATE, "2021-01-01"),
        ("2021-09-01T01:02:03Z", Kind.DATETIME, "2021-09-01T01:02:03Z"),
        ("2021-09-01T00:00:00Z", Kind.DATETIME, "2021-09-01T00:00:00Z"),
        ("2021-09-01T01:02:03.5+02:00", Kind.DATETIME, "2021-08-31T23:02:03.500Z"),
        ('"PT5S"', Kind.DURATION, "PT5S"),
        ("P1DT2H", Kind.DURATION, "P1DT2H"),
        ("P", Kind.STRING, "P"),
    ],
)
def test_a_text_says_by_its_form_what_value_it_is(text: str, kind: Kind, value: Any) -> None:
    assert read_value(text) == (kind, value)


@pytest.mark.parametrize(
    "text", ["", "   ", "hello world", "{", '["a"] 1', "2021-13-01", "2021-09-01T25:00:00Z", "[" * 99]
)
def test_a_text_that_is_not_one_value_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"put a text in quotes|such as"):
        read_value(text)


@pytest.mark.parametrize(
    ("given", "kind", "value"),
    [
        ("x", Kind.STRING, "x"),
        (42, Kind.STRING, "42"),
        ({"a": 1}, Kind.STRING, '{"a":1}'),
        ("42", Kind.NUMBER, 42),
        (4.5, Kind.NUMBER, 4.5),
        ("False", Kind.BOOLEAN, False),
        (True, Kind.BOOLEAN, True),
        ('{"a": 1}', Kind.JSON, {"a": 1}),
        ([1], Kind.JSON, [1]),
        ("null", Kind.JSON, None),
        ("2021-09-01T01:02:03Z", Kind.DATETIME, "2021-09-01T01:02:03Z"),
        ("2021-09-01", Kind.DATE, "2021-09-01"),
        ("2021-09-01T01:02:03Z", Kind.DATE, "2021-09-01"),
        ("PT1.5S", Kind.DURATION, "PT1.5S"),
    ],
)
def test_a_value_becomes_what_it_is_declared_to_be(given: Any, kind: Kind, value: Any) -> None:
    assert value_as(given, kind) == value


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("x", Kind.NUMBER),
        (True, Kind.NUMBER),
        ("yes", Kind.BOOLEAN),
        (1, Kind.BOOLEAN),
        ("{", Kind.JSON),
        ("today", Kind.DATETIME),
        (5, Kind.DATE),
        ("5", Kind.DURATION),
        ("PT", Kind.DURATION),
    ],
)
def test_a_value_that_is_not_what_it_is_declared_to_be_is_refused(given: Any, kind: Kind) -> None:
    with pytest.raises(ValueError, match="Expected a"):
        value_as(given, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, Kind.STRING), ("a", Kind.STRING), ("PT1H", Kind.DURATION), (False, Kind.BOOLEAN), ([], Kind.JSON)],
)
def test_without_a_declaration_the_value_itself_says_what_it_is(value: Any, kind: Kind) -> None:
    assert kind_of(value) == kind


def test_the_document_of_an_entry_is_what_people_can_read() -> None:
    entry = Entry(namespace="a.b", key="k", kind=Kind.NUMBER, value=1, created_ms=2, updated_ms=3)

    document = entry_to_json(entry)

    assert document == (
        b'{"namespace":"a.b","key":"k","type":"NUMBER","value":1,"description":null,"version":1,'
        b'"createdMs":2,"updatedMs":3,"expiresMs":null}'
    )
    assert entry_from_json(document) == entry
    assert Content(kind=Kind.JSON, value=[]).expires_ms is None
