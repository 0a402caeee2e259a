"""Functions of templates that a worker answers."""

from __future__ import annotations

from typing import Any

import pytest

from engine.key_values import Content, Kind
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import job


@pytest.fixture
def filled(attempts: Attempts) -> Attempts:
    for namespace, key, value in (
        ("company.team", "map", {"a": {"b": [1, {"c": "deep"}]}, "off": False}),
        ("company.team", "n", 42),
        ("company", "around", "from around"),
        ("company.team", "none", None),
        ("other", "n", "other's"),
    ):
        attempts.keys.set(namespace, key, Content(kind=Kind.JSON, value=value))
    attempts.keys.set("company.team", "old", Content(kind=Kind.JSON, value=1, expires_ms=1))
    return attempts


def rendered(attempts: Attempts, template: str) -> Any:
    return attempts.outputs(job(properties={"format": template}))["value"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ kv('n') + 1 }}", "43"),
        ("{{ kv('map').a.b[1].c }}", "deep"),
        ("{{ kv('map')['a']['b'] | length }}", "2"),
        ("{{ kv('map').missing ?? 'default' }}", "default"),
        ("{{ kv('map').off ? 'on' : 'off' }}", "off"),
        ("{{ kv('around') }}", "from around"),
        ("{{ kv('n', 'other') }}", "other's"),
        ("{{ kv(key='n', namespace='other') }}", "other's"),
        ("{{ kv('around', 'company.team', false) ?? 'not here' }}", "not here"),
        ("{{ kv('missing', errorOnMissing=false) ?? 'default' }}", "default"),
        ("{{ kv('missing', errorOnMissing=false).field ?? 'default' }}", "default"),
        ("{{ kv('old', null, false) ?? 'gone' }}", "gone"),
        ("{{ kv('none') ?? 'null' }}", "null"),
        ("{{ kv('missing', 'nobody.at.all', false) is null }}", "true"),
    ],
)
def test_kv_is_the_value_of_a_key(filled: Attempts, template: str, text: str) -> None:
    assert rendered(filled, template) == text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ kv('missing') }}", "The key 'missing' does not exist in the namespace 'company.team'."),
        ("{{ kv('old') }}", "The key 'old' does not exist in the namespace 'company.team'."),
        ("{{ kv('around', 'company.team', true) }}", "The key 'around' does not exist"),
        ("{{ kv('../n') }}", "Key must start with an alphanumeric character"),
        ("{{ kv('n', '../other') }}", "Expected a namespace"),
        ("{{ kv() }}", "key"),
    ],
)
def test_kv_says_what_is_wrong(filled: Attempts, template: str, words: str) -> None:
    ended = filled.run(job(properties={"format": template}))
    assert ended.state is State.FAILED
    assert words in ended.error
