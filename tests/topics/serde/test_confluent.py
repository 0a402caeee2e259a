"""Confluent's framing, against a schema registry of a few lines that speaks the real one's HTTP."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from topics.messages import Cause, Claim, Doorbell, Step
from topics.ports import FatalLogError, LogError
from topics.serde import (
    MESSAGES,
    DecodeError,
    UnknownSchema,
    confluent,
    decode,
    encode,
    encode_step,
    use_registry,
)

CLAIM = Claim(epoch=1, owner="me")


class Registry:
    """The registry's answers: schemas by id, subjects, and what it is told to fail with."""

    def __init__(self) -> None:
        self.schemas: list[str] = []
        self.subjects: dict[str, int] = {}
        self.failing = 0
        self.requests = 0

    def register(self, subject: str, schema: str) -> int:
        if schema not in self.schemas:
            self.schemas.append(schema)
        self.subjects[subject] = self.schemas.index(schema) + 256
        return self.subjects[subject]


def serve(registry: Registry) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle_any(self) -> None:
            registry.requests += 1
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            parts = self.path.partition("?")[0].strip("/").split("/")
            if registry.failing:
                self.answer(registry.failing, {"error_code": registry.failing * 100, "message": "told to fail"})
            elif parts[:2] == ["schemas", "ids"]:
                at = int(parts[2]) - 256
                if 0 <= at < len(registry.schemas):
                    self.answer(200, {"schema": registry.schemas[at]})
                else:
                    self.answer(404, {"error_code": 40403, "message": "Schema not found"})
            elif parts[0] == "subjects" and parts[2:] == ["versions"]:
                self.answer(200, {"id": registry.register(parts[1], body["schema"])})
            elif parts[0] == "subjects" and parts[1] in registry.subjects:
                id = registry.subjects[parts[1]]
                self.answer(200, {"subject": parts[1], "version": 1, "id": id, "schema": body["schema"]})
            else:
                self.answer(404, {"error_code": 40401, "message": "Subject not found"})

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


@pytest.fixture
def registry() -> Iterator[tuple[Registry, str]]:
    try:
        import confluent_kafka.schema_registry  # noqa: F401
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("the extra schema-registry isn't installed")
        pytest.skip("needs the extra schema-registry")
    answers = Registry()
    server = serve(answers)
    try:
        yield answers, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        use_registry(None)
        server.shutdown()
        server.server_close()


FAST = {"max.retries": 0, "timeout": 5}


def test_every_schema_is_registered_under_its_record_name(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    use_registry(confluent.ConfluentRegistry(url))
    assert set(answers.subjects) == {f"penstock.{name}" for name in MESSAGES}
    assert json.loads(answers.schemas[answers.subjects["penstock.Claim"] - 256])["name"] == "Claim"


def test_a_record_begins_with_zero_and_the_schemas_id(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    plain = encode(CLAIM)
    use_registry(confluent.ConfluentRegistry(url))
    data = encode(CLAIM)
    assert data[:5] == b"\0" + answers.subjects["penstock.Claim"].to_bytes(4, "big")
    assert data[5:] == plain[10:]
    assert decode(data) == CLAIM


def test_both_framings_are_read_whichever_is_written(registry: tuple[Registry, str]) -> None:
    _, url = registry
    step = Step(epoch=1, n=1, cause=Cause(kind="inbox", offset=1), id="e", seq=1, at_ms=1)
    plain = encode_step("executions", step)
    use_registry(confluent.ConfluentRegistry(url))
    assert decode(encode_step("executions", step)) == decode(plain) == step


def test_the_registry_is_asked_once_per_schema(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    use_registry(confluent.ConfluentRegistry(url))
    data = encode(CLAIM)
    decode(data)
    before = answers.requests
    for _ in range(10):
        decode(encode(CLAIM))
    assert answers.requests == before


def test_a_record_of_a_newer_version_is_read_through_the_registry(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    use_registry(confluent.ConfluentRegistry(url))
    newer = json.loads(answers.schemas[answers.subjects["penstock.Claim"] - 256])
    newer["fields"].insert(1, {"name": "zone", "type": "string", "default": ""})
    id = answers.register("penstock.Claim", json.dumps(newer))
    assert decode(b"\0" + id.to_bytes(4, "big") + b"\2" + b"\4eu" + b"\4me") == CLAIM


@pytest.mark.parametrize(
    "schema",
    ['"long"', "[" * 100_000, "no json", '{"type": "record", "name": "Nobody", "fields": []}', '{"type": "record"}'],
    ids=["no record", "hostile depth", "no json", "no message of ours", "nameless"],
)
def test_a_foreign_schema_is_refused(registry: tuple[Registry, str], schema: str) -> None:
    answers, url = registry
    use_registry(confluent.ConfluentRegistry(url))
    id = answers.register("other", schema)
    with pytest.raises(UnknownSchema):
        decode(b"\0" + id.to_bytes(4, "big") + b"\2")


def test_an_id_that_the_registry_does_not_have_is_named(registry: tuple[Registry, str]) -> None:
    _, url = registry
    use_registry(confluent.ConfluentRegistry(url, FAST))
    with pytest.raises(UnknownSchema, match="65535"):
        decode(b"\0\0\0\xff\xff\2")


def test_a_registry_that_is_away_is_no_fault_of_the_record(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    use_registry(confluent.ConfluentRegistry(url, FAST))
    id = answers.register("penstock.Doorbell", answers.schemas[answers.subjects["penstock.Doorbell"] - 256] + " ")
    data = b"\0" + id.to_bytes(4, "big") + encode(Doorbell(execution_id="e", task_run_id="t", epoch=1))[5:]
    answers.failing = 500
    with pytest.raises(LogError) as caught:
        decode(data)
    assert caught.value.retriable and not isinstance(caught.value, DecodeError)
    answers.failing = 0
    assert decode(data).execution_id == "e"


def test_a_registry_that_cannot_be_reached_is_met_at_the_start(registry: tuple[Registry, str]) -> None:
    with pytest.raises(LogError, match=r"127\.0\.0\.1:9") as caught:
        use_registry(confluent.ConfluentRegistry("http://127.0.0.1:9", FAST))
    assert caught.value.retriable


def test_a_registry_that_refuses_a_schema_says_which(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    answers.failing = 409
    with pytest.raises(FatalLogError, match=r"refuses penstock\.\w+"):
        use_registry(confluent.ConfluentRegistry(url, FAST))


def test_without_leave_to_register_schemas_are_looked_up(registry: tuple[Registry, str]) -> None:
    answers, url = registry
    reading = confluent.ConfluentRegistry(url, FAST, register=False)
    with pytest.raises(FatalLogError, match="registering is off"):
        reading.id_of("Claim")
    writing = confluent.ConfluentRegistry(url, FAST)
    assert writing.id_of("Claim") == reading.id_of("Claim") == answers.subjects["penstock.Claim"]


def test_wrong_settings_are_refused(registry: tuple[Registry, str]) -> None:
    with pytest.raises(FatalLogError, match="settings"):
        confluent.ConfluentRegistry("no url")


class InMemory:
    """A registry without HTTP, so that the framing is tested where the extra isn't installed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def id_of(self, name: str) -> int:
        self.names.append(name)
        return len(self.names)

    def schema_of(self, id: int) -> dict[str, Any]:
        from topics.serde.schema import schema_of
        from topics.serde.table import RECORDS

        return schema_of(RECORDS[self.names[id - 1]])


def test_any_registry_behind_the_protocol_serves() -> None:
    use_registry(InMemory())
    try:
        data = encode(CLAIM)
        assert data[:1] == b"\0" and decode(data) == CLAIM
        with pytest.raises(DecodeError):
            decode(data[:-1])
    finally:
        use_registry(None)
    assert encode(CLAIM)[:2] == b"\xc3\x01"
