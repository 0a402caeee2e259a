"""`kv.Set`: a key of a namespace, with its type, its description and its end."""

from __future__ import annotations

from typing import Any

import pytest

from engine.key_values import Entry, Kind
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.kv.Set"


def entry(attempts: Attempts, **properties: Any) -> Entry:
    attempts.outputs(job(TYPE, properties={"key": "k", **properties}))
    found = attempts.keys.find("company.team", "k")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("text", Kind.STRING, "text"),
        ("{{ flow.id }}", Kind.STRING, "hello"),
        ("{{ 40 + 2 }}", Kind.NUMBER, 42),
        ("n={{ 40 + 2 }}", Kind.STRING, "n=42"),
        ("{{ flow }}", Kind.JSON, {"id": "hello", "namespace": "company.team"}),
        ({"a": "{{ flow.id }}"}, Kind.JSON, {"a": "hello"}),
        ("{{ true }}", Kind.BOOLEAN, True),
        ("PT5M", Kind.DURATION, "PT5M"),
    ],
)
def test_a_lone_expression_keeps_its_value_and_the_value_says_its_type(
    attempts: Attempts, written: Any, kind: Kind, value: Any
) -> None:
    found = entry(attempts, value=written)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    ("declared", "written", "value"),
    [
        ("NUMBER", "42", 42),
        ("BOOLEAN", "True", True),
        ("JSON", '{"a": [1]}', {"a": [1]}),
        ("DATE", "2026-01-31", "2026-01-31"),
        ("DATETIME", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        ("DURATION", "PT5M", "PT5M"),
        ("STRING", "{{ 42 }}", "42"),
    ],
)
def test_a_declared_type_wins(attempts: Attempts, declared: str, written: str, value: Any) -> None:
    found = entry(attempts, value=written, kvType=declared)
    assert (found.kind, found.value) == (declared, value)


def test_a_value_that_does_not_fit_its_declared_type_fails_the_task(attempts: Attempts) -> None:
    ended = attempts.run(job(TYPE, properties={"key": "k", "value": "many", "kvType": "NUMBER"}))
    assert ended.state is State.FAILED
    assert ended.error == "Expected a value of type NUMBER, such as 4.2, but got 'many'"


def test_description_and_time_to_live_are_kept(attempts: Attempts) -> None:
    found = entry(attempts, value="v", kvDescription="For {{ flow.id }}", ttl="PT1H")
    assert found.description == "For hello"
    assert found.expires_ms is not None
    assert found.expires_ms >= found.updated_ms + 3_599_000


def test_another_namespace_can_be_named(attempts: Attempts) -> None:
    attempts.outputs(job(TYPE, properties={"key": "k-{{ flow.id }}", "value": 1, "namespace": "other"}))
    assert attempts.keys.keys("other") == ["k-hello"]


def test_overwriting_can_be_forbidden(attempts: Attempts) -> None:
    entry(attempts, value="old", overwrite=False)
    ended = attempts.run(job(TYPE, properties={"key": "k", "value": "new", "overwrite": "{{ false }}"}))
    assert (ended.state, ended.error) == (
        State.FAILED,
        "Cannot set value for key 'k'. Key already exists and `overwrite` is set to `false`.",
    )
    found = attempts.keys.get("company.team", "k")
    assert found is not None
    assert (found.value, found.version) == ("old", 1)


def test_a_key_that_leads_out_of_its_namespace_fails_the_task(attempts: Attempts) -> None:
    ended = attempts.run(job(TYPE, properties={"key": "../k", "value": "v"}))
    assert ended.error.startswith("Key must start with an alphanumeric character")
