"""Keys and values over HTTP: what a body means, what comes back, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.routes import kv as routes
from api.settings import ApiSettings
from engine.key_values import DOCUMENT_BYTES_MAX
from tests.api.conftest import Api
from topics.embedded.rocks import EmbeddedLog
from worker.storage.key_values import KeyValues
from worker.storage.local import LocalStorage

PLACE = "/namespaces/company.team/kv"


class Clock:
    """Goes on with the machine's, and further when a test says so."""

    ahead_ms = 0

    def __call__(self) -> int:
        return routes.now_ms() + self.ahead_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(log: EmbeddedLog, settings: ApiSettings, tmp_path: Path, clock: Clock) -> Iterator[Api]:
    keys = KeyValues(LocalStorage(tmp_path / "storage"), clock)
    with Api(log, settings, None, None, keys) as made:
        yield made


def put(api: Api, key: str, body: str, place: str = PLACE, **headers: str) -> None:
    reply = api.call("PUT", f"{place}/{key}", data=body.encode(), headers={"Content-Type": "text/plain", **headers})
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", None])
@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('{hello:"world"}', "JSON", {"hello": "world"}),
        ('["hello","world"]', "JSON", ["hello", "world"]),
        ('"hello"', "STRING", "hello"),
        ("hello", "STRING", "hello"),
        ("1", "NUMBER", 1),
        ("1.0", "NUMBER", 1.0),
        ("true", "BOOLEAN", True),
        ("2021-09-01", "DATE", "2021-09-01"),
        ("2021-09-01T01:02:03Z", "DATETIME", "2021-09-01T01:02:03Z"),
        ('"PT5S"', "DURATION", "PT5S"),
    ],
)
def test_the_literal_of_a_body_says_its_type(
    api: Api, content_type: str | None, body: str, kind: str, value: Any
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    skip = ["Content-Type"] if content_type is None else None
    reply = api.call("PUT", f"{PLACE}/k", data=body.encode(), headers=headers, skip_auto_headers=skip)
    assert reply.status == 200, reply.text

    found = api.get(f"{PLACE}/k").json
    assert (found["type"], found["value"], found["revision"]) == (kind, value, 1)
    assert found["updated"].endswith("Z")


def test_keys_are_listed_with_what_is_known_about_them_but_no_value(api: Api) -> None:
    put(api, "b", "1", ttl="PT1H", description="For people")
    put(api, "a", "1")
    put(api, "a", "2")

    a, b = api.get(PLACE).json
    assert (a["namespace"], a["key"], a["version"]) == ("company.team", "a", 2)
    assert a.keys() == {"namespace", "key", "version", "creationDate", "updateDate"}
    assert (b["key"], b["description"]) == ("b", "For people")
    assert b["expirationDate"] > b["updateDate"]
    assert api.get("/namespaces/company/kv").json == []


def test_a_missing_key_is_not_found_and_an_expired_one_is_gone(api: Api, clock: Clock) -> None:
    reply = api.get(f"{PLACE}/k")
    assert reply.status == 404
    assert reply.json["message"] == "Not found: No value found for key 'k' in namespace 'company.team'"

    clock.ahead_ms = -10_000
    put(api, "k", "1", ttl="PT5S")
    reply = api.get(f"{PLACE}/k")
    assert reply.status == 410
    assert "expired" in reply.json["message"]


def test_a_key_is_deleted_once(api: Api) -> None:
    put(api, "k", "1")
    assert api.call("DELETE", f"{PLACE}/k").json is True
    assert api.call("DELETE", f"{PLACE}/k").json is False
    assert api.get(f"{PLACE}/k").status == 404


def test_several_keys_are_deleted_at_once_or_none_if_one_can_not_be_a_key(api: Api) -> None:
    for key in ("a", "b", "c"):
        put(api, key, "1")

    assert api.call("DELETE", PLACE, json={"keys": ["a", "../b"]}).status == 422
    assert api.call("DELETE", PLACE, json={"keys": ["a", "b", "x"]}).json == {"keys": ["a", "b"]}
    assert [each["key"] for each in api.get(PLACE).json] == ["c"]
    for body in ([], {}, {"keys": "c"}, {"keys": [1]}, {"keys": ["c"] * (routes.BULK_MAX + 1)}):
        assert api.call("DELETE", PLACE, json=body).status == 422


def test_inherited_keys_are_those_of_the_namespaces_around_the_nearest_winning(api: Api) -> None:
    for place, key in (("a.b.c", "own"), ("a.b", "k"), ("a", "k"), ("a", "l")):
        put(api, key, f'"{place}"', f"/namespaces/{place}/kv")

    found = api.get("/namespaces/a.b.c/kv/inheritance").json
    assert [(each["namespace"], each["key"]) for each in found] == [("a.b", "k"), ("a", "l")]
    assert api.get("/namespaces/a/kv/inheritance").json == []


def test_the_keys_of_all_namespaces_are_searched_filtered_sorted_and_paged(api: Api, monkeypatch: Any) -> None:
    for place in ("a", "a.b", "c"):
        for key in ("orders", "users"):
            put(api, key, "1", f"/namespaces/{place}/kv")

    def found(query: str) -> list[str]:
        page = api.get(f"/kv?{query}").json
        return [f"{each['namespace']}/{each['key']}" for each in page["results"]] + [page["total"]]

    assert found("size=2") == ["a/orders", "a.b/orders", 6]
    assert found("size=2&page=3&sort=namespace:desc") == ["a/users", "a/orders", 6]
    assert found("q=ORD&namespace=a") == ["a/orders", "a.b/orders", 2]
    assert found("filters[namespace][IN]=c,x&filters[key][EQUALS]=users") == ["c/users", 1]
    assert found("filters[updated][LESS_THAN]=2020-01-01T00:00:00Z") == [0]
    assert api.get("/kv?sort=value:asc").status == 422
    assert api.get("/kv?filters[value][EQUALS]=1").status == 400
    monkeypatch.setattr(routes, "SEARCHED_MAX", 3)
    assert "name a namespace" in api.get("/kv").json["message"]
    assert found("filters[namespace][EQUALS]=c") == ["c/orders", "c/users", 2]


@pytest.mark.parametrize("path", ["/namespaces/company.team/kv/bad$key", "/namespaces/company.team/kv/..%2Fx"])
def test_a_bad_key_is_refused_by_every_method(api: Api, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        reply = api.call(method, path, data=b'"v"' if method == "PUT" else None)
        assert reply.status == 422
        assert reply.json["message"].startswith("Invalid argument: Key must start with an alphanumeric character")


def test_a_bad_namespace_is_refused_by_every_route(api: Api) -> None:
    place = "/namespaces/..%2F..%2Fetc/kv"
    for method, path in (
        ("GET", place),
        ("GET", f"{place}/inheritance"),
        ("GET", f"{place}/k"),
        ("PUT", f"{place}/k"),
        ("DELETE", f"{place}/k"),
    ):
        reply = api.call(method, path, data=b"1" if method == "PUT" else None)
        assert (method, path, reply.status) == (method, path, 422)
    assert api.call("DELETE", place, json={"keys": ["k"]}).status == 422


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("", {}, 422),
        ("two words", {}, 422),
        ("{", {}, 422),
        ("[" * 66 + "]" * 66, {}, 422),
        ("1", {"ttl": "soon"}, 422),
        ("1", {"ttl": "PT0S"}, 422),
        ('"' + "x" * DOCUMENT_BYTES_MAX + '"', {}, 413),
        ("1", {"Content-Encoding": "gzip"}, 415),
    ],
)
def test_a_body_that_is_no_value_is_refused(api: Api, body: str, headers: dict[str, str], status: int) -> None:
    reply = api.call("PUT", f"{PLACE}/k", data=body.encode(), headers=headers)
    assert reply.status == status
    assert api.get(f"{PLACE}/k").status == 404


def test_a_storage_that_fails_is_said(api: Api, tmp_path: Path) -> None:
    put(api, "k", "1")
    (tmp_path / "storage" / "_kv" / "company.team" / "k.json").write_bytes(b"{")
    assert api.get(f"{PLACE}/k").status == 503


def test_a_server_without_stores_says_so(log: EmbeddedLog, settings: ApiSettings) -> None:
    with Api(log, settings, None, None) as bare:
        assert bare.get(PLACE).status == 404


def test_inputs_may_take_their_choices_and_defaults_from_keys(
    log: EmbeddedLog, settings: ApiSettings, executor: Any, tmp_path: Path
) -> None:
    keys = KeyValues(LocalStorage(tmp_path / "storage"), routes.now_ms)
    with Api(log, settings, None, None, keys) as server:
        server.save("""
id: chosen
namespace: company.team.data
inputs:
  - {id: city, type: SELECT, expression: "{{ kv('cities') }}"}
  - {id: many, type: INT, defaults: "{{ kv('many', errorOnMissing=false) ?? 1 }}"}
tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.city }} {{ inputs.many }}"}]
""")
        start = "/executions/company.team.data/chosen?wait=true"
        missing = server.post(start, data={"city": "Bonn"})
        assert missing.status == 422
        assert "The key 'cities' does not exist in the namespace 'company.team.data'" in missing.json["message"]

        put(server, "cities", '["Bonn", "Kiel"]')
        assert server.post(start, data={"city": "Rome"}).status == 422
        assert server.post(start, data={"city": "Kiel"}).json["inputs"] == {"city": "Kiel", "many": 1}
        put(server, "many", "7")
        assert server.post(start, data={"city": "Bonn"}).json["inputs"] == {"city": "Bonn", "many": 7}
