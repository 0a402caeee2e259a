"""`kv.Get`: the value of a key."""

from __future__ import annotations

from typing import Any

import pytest

from engine.key_values import Content, Kind
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.kv.Get"


def got(attempts: Attempts, **properties: Any) -> Any:
    return attempts.outputs(job(TYPE, properties={"key": "{{ 'k' }}", **properties}))["value"]


@pytest.mark.parametrize("value", ["text", 42, True, {"a": [1, None]}])
def test_a_value_comes_back_as_what_it_is(attempts: Attempts, value: Any) -> None:
    attempts.keys.set("company.team", "k", Content(kind=Kind.JSON, value=value))
    assert got(attempts) == value


def test_in_the_namespace_of_the_flow_those_around_it_count_too(attempts: Attempts) -> None:
    attempts.keys.set("company", "k", Content(kind=Kind.STRING, value="around"))
    assert got(attempts) == "around"
    assert got(attempts, namespace="{{ flow.namespace }}") == "around"
    assert got(attempts, namespace="company") == "around"
    assert got(attempts, namespace="company.teams") is None


def test_a_missing_key_is_null_or_an_error(attempts: Attempts) -> None:
    assert got(attempts) is None
    ended = attempts.run(job(TYPE, properties={"key": "k", "errorOnMissing": True}))
    assert ended.error == ("No value found for key 'k' in namespace 'company.team' and `errorOnMissing` is set to true")
