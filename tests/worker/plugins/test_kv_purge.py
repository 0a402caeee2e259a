"""`kv.PurgeKV`: many keys go at once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.key_values import Content, Kind
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.kv.PurgeKV"
NAMESPACES = ("company", "company.team", "company2", "system")


@pytest.fixture
def filled(attempts: Attempts) -> Attempts:
    for namespace in NAMESPACES:
        for key, expires_ms in (("old_a", 1), ("old_b", 1), ("new_a", None)):
            attempts.keys.set(namespace, key, Content(kind=Kind.NUMBER, value=1, expires_ms=expires_ms))
    return attempts


def left(attempts: Attempts) -> int:
    return sum(len(attempts.keys.keys(namespace)) for namespace in NAMESPACES)


@pytest.mark.parametrize(
    ("properties", "size"),
    [
        ({}, 8),
        ({"behavior": {"type": "key", "expiredOnly": False}}, 12),
        ({"expiredOnly": "{{ false }}"}, 12),
        ({"expiredOnly": True, "behavior": {"expiredOnly": False}}, 8),
        ({"namespaces": ["company"]}, 4),
        ({"namespaces": '["company", "system"]', "includeChildNamespaces": False}, 4),
        ({"namespacePattern": "comp*"}, 6),
        ({"namespacePattern": "company?"}, 2),
        ({"keyPattern": "*_a"}, 4),
        ({"keyPattern": "*_a", "expiredOnly": False}, 8),
        ({"namespaces": ["nobody"]}, 0),
        ({"behavior": {"type": "version", "before": "2099-01-01T00:00:00Z"}}, 0),
        ({"behavior": {"type": "version", "keepAmount": 1}}, 0),
        ({"behavior": {"type": "version"}}, 12),
    ],
)
def test_what_goes_is_counted(filled: Attempts, properties: dict[str, Any], size: int) -> None:
    assert filled.outputs(job(TYPE, properties=properties)) == {"size": size}
    assert left(filled) == 12 - size


@pytest.mark.parametrize(
    "properties",
    [
        {"namespaces": ["a"], "namespacePattern": "a*"},
        {"behavior": {"type": "version", "before": "2026-01-01T00:00:00Z", "keepAmount": 1}},
        {"behavior": {"type": "age"}},
    ],
)
def test_what_contradicts_itself_purges_nothing(filled: Attempts, properties: dict[str, Any]) -> None:
    assert filled.run(job(TYPE, properties=properties)).state is State.FAILED
    assert left(filled) == 12
