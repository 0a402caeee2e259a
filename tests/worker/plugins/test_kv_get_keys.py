"""`kv.GetKeys`: which keys there are."""

from __future__ import annotations

from typing import Any

from engine.key_values import Content, Kind
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.kv.GetKeys"


def keys(attempts: Attempts, **properties: Any) -> Any:
    return attempts.outputs(job(TYPE, properties=properties))["keys"]


def test_the_keys_of_a_namespace_are_listed_without_expired_ones(attempts: Attempts) -> None:
    for key in ("orders.b", "orders.a", "users"):
        attempts.keys.set("company.team", key, Content(kind=Kind.NUMBER, value=1))
    attempts.keys.set("company.team", "orders.old", Content(kind=Kind.NUMBER, value=1, expires_ms=1))
    attempts.keys.set("company", "orders.c", Content(kind=Kind.NUMBER, value=1))

    assert keys(attempts) == ["orders.a", "orders.b", "users"]
    assert keys(attempts, prefix="{{ 'orders' }}") == ["orders.a", "orders.b"]
    assert keys(attempts, namespace="company") == ["orders.c"]
    assert keys(attempts, namespace="company.other") == []
