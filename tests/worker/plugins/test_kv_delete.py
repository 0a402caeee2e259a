"""`kv.Delete`: a key goes."""

from __future__ import annotations

from engine.key_values import Content, Kind
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.kv.Delete"


def test_a_key_is_deleted_in_its_namespace_only(attempts: Attempts) -> None:
    for namespace in ("company", "company.team"):
        attempts.keys.set(namespace, "k", Content(kind=Kind.NUMBER, value=1))
    wanted = job(TYPE, properties={"key": "k"})

    assert attempts.outputs(wanted) == {"deleted": True}
    assert attempts.outputs(wanted) == {"deleted": False}
    assert attempts.keys.get("company", "k") is not None
    assert attempts.outputs(job(TYPE, properties={"key": "k", "namespace": "company"})) == {"deleted": True}


def test_a_missing_key_can_be_an_error(attempts: Attempts) -> None:
    ended = attempts.run(job(TYPE, properties={"key": "k", "errorOnMissing": True}))
    assert ended.error.startswith("No value found for key 'k' in namespace 'company.team'")
