"""`kv.Put`: a part of a value changes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.key_values import Content, Kind
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.kv.Put"
OLD = {"a": {"x": 1, "l": [1]}, "b": 2}


@pytest.mark.parametrize(
    ("given", "new"),
    [
        ({"a": {"y": "{{ flow.id }}", "l": [2]}}, {"a": {"x": 1, "l": [2], "y": "hello"}, "b": 2}),
        ("{{ {'b': 3} }}", {"a": {"x": 1, "l": [1]}, "b": 3}),
        ([{"key": "a.x", "value": 9}, {"key": "c", "value": [0]}], {"a": {"x": 9, "l": [1]}, "b": 2, "c": [0]}),
        ([{"value": "all"}], "all"),
        ([1, 2], [1, 2]),
        ("text", "text"),
    ],
)
def test_maps_are_merged_fields_are_set_and_all_else_replaces(attempts: Attempts, given: Any, new: Any) -> None:
    before = attempts.keys.set("company.team", "k", Content(kind=Kind.JSON, value=OLD, description="kept"))
    attempts.outputs(job(TYPE, properties={"key": "k", "value": given}))

    found = attempts.keys.get("company.team", "k")
    assert found is not None
    assert (found.value, found.description, found.created_ms) == (new, "kept", before.created_ms)


def test_a_key_that_is_not_there_is_made_unless_that_is_an_error(attempts: Attempts) -> None:
    fields = [{"key": "a.b", "value": 1}]
    missing = attempts.run(job(TYPE, properties={"key": "k", "value": fields, "errorOnMissing": True}))
    assert missing.error.startswith("No value found for key 'k'")

    attempts.outputs(job(TYPE, properties={"key": "k", "value": fields}))
    found = attempts.keys.get("company.team", "k")
    assert found is not None
    assert (found.kind, found.value) == (Kind.JSON, {"a": {"b": 1}})


@pytest.mark.parametrize("given", [[{"key": "a", "value": 1}, {"value": 2}], [{"key": " ", "value": 1}]])
def test_fields_need_names(attempts: Attempts, given: Any) -> None:
    assert attempts.run(job(TYPE, properties={"key": "k", "value": given})).error.startswith("value: expected a text")


def test_fields_of_a_text_can_not_be_set(attempts: Attempts) -> None:
    attempts.keys.set("company.team", "k", Content(kind=Kind.STRING, value="text"))
    ended = attempts.run(job(TYPE, properties={"key": "k", "value": [{"key": "a", "value": 1}]}))
    assert ended.error == "value: expected that the key holds a map whose fields can be set, but it is STRING"
