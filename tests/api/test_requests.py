"""What every request meets: errors, limits, addresses."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from api import commands
from tests.api.conftest import Api
from topics.ports import Ack, LogError


def test_every_error_is_one_document_for_clients_of_both_generations(api: Any) -> None:
    reply = api.get("/executions/nobody")
    body = reply.json
    assert reply.status == body["status"] == 404
    assert body["type"] == "https://kestra.io/docs/api-reference/problems/not-found"
    assert body["detail"] == "There is no execution nobody"
    assert body["instance"] == body["_links"]["self"]["href"] == "/api/v1/main/executions/nobody"
    assert body["_embedded"]["errors"] == [{"message": "There is no execution nobody"}]
    assert "nobody" in body["message"]


def test_an_unknown_address_and_a_wrong_method_say_what_is_there(api: Any) -> None:
    assert "nowhere" in api.get("/nowhere").json["detail"]
    wrong = api.call("PATCH", "/flows/demo/hello")
    assert wrong.status == 405
    assert "PUT" in wrong.json["detail"]
    assert api.get("//api/v1/other-tenant/flows/search").status == 404


def test_a_body_that_is_no_json_is_422(api: Any) -> None:
    reply = api.post("/executions/latest", data=b"{")
    assert (reply.status, reply.json["type"].rsplit("/", 1)[1]) == (422, "invalid-json")
    assert api.post("/executions/latest", data=b'{"a":1}').status == 422


def test_json_that_is_too_deep_is_422(api: Any) -> None:
    assert api.post("/executions/latest", data=b"[" * 100 + b"]" * 100).status == 422
    assert api.post("/executions/latest", data=b"[" * 100_000 + b"]" * 100_000).status == 422


def test_a_compressed_body_is_415_and_a_large_one_413(api: Any) -> None:
    assert api.post("/flows", data=b"x", headers={"Content-Encoding": "gzip"}).status == 415
    assert api.post("/flows", data=b"x" * (3 * 1024 * 1024 + 1)).status == 413

    async def endless() -> Any:
        for _ in range(4):
            yield b"x" * 1024 * 1024

    assert api.post("/flows", data=endless()).status == 413


def test_a_body_that_is_no_utf8_or_empty_is_refused(api: Any) -> None:
    assert api.post("/flows", data=b"\xff\xfe").status == 422
    assert api.post("/flows", data=b" \n").status == 422


def test_addresses_are_decoded_once(api: Any) -> None:
    assert api.get("/executions/a%2520b").json["detail"] == "There is no execution a%2520b".replace("%25", "%")


def test_a_command_that_nobody_carries_out_ends_in_504_that_says_it_still_holds(api: Any) -> None:
    reply = api.post(
        "/flows", data=b"id: a\nnamespace: demo\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: m}]"
    )
    assert reply.status == 504
    assert "still holds" in reply.json["detail"]
    assert reply.headers["Retry-After"]


class SilentWriter:
    """Takes records and never says what became of them, as while all brokers are away."""

    outstanding = 0

    def append(self, *_args: Any, **_named: Any) -> None: ...

    def poll(self, _timeout_s: float = 0.0) -> list[Any]:
        return []

    def close(self) -> None: ...


def test_a_command_that_the_log_does_not_confirm_is_not_said_to_hold(
    log: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "writer", SilentWriter)
    with Api(log, msgspec.structs.replace(settings, command_timeout_s=0.05), None, None) as api:
        reply = api.post(
            "/flows", data=b"id: a\nnamespace: demo\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: m}]"
        )
    assert reply.status == 503
    assert "may or may not be carried out" in reply.json["detail"]
    assert reply.headers["Retry-After"]


class Moody:
    """A writer that takes nothing until it is well."""

    def __init__(self, writer: Any, mood: str) -> None:
        self._writer = writer
        self.mood = mood
        self._refused: list[Ack] = []
        self._held: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def append(self, *args: Any, **named: Any) -> None:
        if self.mood == "full":
            raise LogError("100,000 records wait")
        if self.mood == "refusing":
            self._refused.append(Ack(args[0], args[1], None, named.get("context"), "no space left"))
        elif self.mood == "silent":
            self._held.append((args, named))
        else:
            self._writer.append(*args, **named)

    def poll(self, timeout_s: float = 0.0) -> list[Ack]:
        refused, self._refused = self._refused, []
        if self.mood == "well":
            for args, named in self._held:
                self._writer.append(*args, **named)
            self._held.clear()
        return refused + self._writer.poll(timeout_s)

    @property
    def outstanding(self) -> int:
        return len(self._refused) + len(self._held) + int(self._writer.outstanding)

    def close(self) -> None:
        self._writer.close()


@pytest.mark.parametrize(
    ("mood", "reason"),
    [("full", "100,000 records wait"), ("refusing", "no space left"), ("silent", "confirmed within 0.05 s")],
)
def test_health_is_down_while_the_log_takes_no_commands_and_up_again_without_one(
    log: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, mood: str, reason: str
) -> None:
    monkeypatch.setattr(commands, "PROBE_S", 0.0)
    moody = Moody(log.writer(), mood)
    monkeypatch.setattr(log, "writer", lambda: moody)
    source = b"id: a\nnamespace: demo\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: m}]"
    with Api(log, msgspec.structs.replace(settings, command_timeout_s=0.05), None, None) as api:
        while api.get("//health").status != 200:
            pass
        assert api.post("/flows", data=source).status == 503
        for route in ("//health", "//health/readiness"):
            reply = api.get(route)
            assert (reply.status, reply.json["status"]) == (503, "DOWN")
            assert reply.json["details"]["views"] == {"status": "UP"}
            assert "flows.inbox/0 takes no commands" in reply.json["details"]["log"]["status"]
            assert reason in reply.json["details"]["log"]["status"]
        assert reason in api.get("//ui/").text
        assert api.get("//health/liveness").status == 200
        moody.mood = "well"
        while api.get("//health").status != 200:
            pass
        assert api.get("//health").json["status"] == "UP"


def test_health_tells_whether_the_views_are_there(api: Any) -> None:
    assert api.get("//ping").text == "pong"
    assert api.get("//health/liveness").status == 200
    while api.get("//health").status != 200:
        pass
    details = {"views": {"status": "UP"}, "log": {"status": "UP"}}
    assert api.get("//health/readiness").json == {"status": "UP", "details": details}
    assert api.get("/configs").json["edition"] == "OSS"
    assert api.get("//").headers["Location"] == "/ui/"
    assert "Penstock" in api.get("//ui/").text


def test_types_and_the_schema_of_flows_can_be_read(api: Any) -> None:
    log = api.get("/plugins/io.kestra.plugin.core.log.Log").json
    assert log["schema"]["properties"]["properties"]["level"]["default"] == "INFO"
    assert log["markdown"].startswith("# io.kestra.plugin.core.log.Log")
    assert api.get("/plugins/io.nobody.Nothing").status == 404
    groups = {group["group"]: group for group in api.get("//api/v1/plugins").json}
    assert {"cls": "io.kestra.plugin.core.log.Log", "deprecated": False} in groups["io.kestra.plugin.core.log"]["tasks"]
    assert api.get("/plugins/schemas/dashboard").status == 404
    assert api.get("/plugins/schemas/task").json["$ref"] == "#/$defs/task"


def test_many_requests_at_once_all_get_their_own_answer(server: Any) -> None:
    server.save("id: a\nnamespace: demo\ntasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: x}]")

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(server.acall("POST", "/executions/demo/a?wait=true") for _ in range(40)))

    replies = server.run(all_at_once())
    assert {reply.status for reply in replies} == {200}
    assert len({msgspec.json.decode(reply.body)["id"] for reply in replies}) == 40
    assert {reply.json["state"]["current"] for reply in replies} == {"SUCCESS"}


def test_a_page_of_another_site_can_change_nothing(api: Any) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert api.post("/executions/demo/hello", headers=headers).status == 403, headers
    own = f"http://{api.client.host}:{api.client.port}"
    for headers in ({"Origin": own}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"}, {}):
        assert api.post("/executions/demo/hello", headers=headers).status == 404, headers
