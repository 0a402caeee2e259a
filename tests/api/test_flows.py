from __future__ import annotations

from typing import Any

import msgspec

HELLO = """id: hello
namespace: demo
labels:
  team: blue
inputs:
  - id: name
    type: STRING
    defaults: world
tasks:
  - id: greet   # says good day
    type: io.kestra.plugin.core.debug.Return
    format: "Good day, {{ inputs.name }}"
"""


def test_a_new_flow_is_stored_and_answered_with_its_source(server: Any) -> None:
    saved = server.save(HELLO)
    assert (saved["revision"], saved["source"]) == (1, HELLO)
    assert saved["labels"] == [{"key": "team", "value": "blue"}]
    read = server.get("/flows/demo/hello").json
    assert read["tasks"][0]["format"] == "Good day, {{ inputs.name }}"
    assert "source" not in read
    assert server.get("/flows/demo/hello?source=true").json["source"] == HELLO


def test_the_tenant_may_be_left_out_of_the_address(server: Any) -> None:
    server.save(HELLO)
    assert server.get("//api/v1/flows/demo/hello").json["id"] == "hello"


def test_a_flow_that_exists_is_not_created_again(server: Any) -> None:
    server.save(HELLO)
    reply = server.post("/flows", data=HELLO.encode())
    assert reply.status == 422
    assert "exists" in reply.json["message"]


def test_an_update_makes_a_revision_only_if_something_changed(server: Any) -> None:
    server.save(HELLO)
    assert server.call("PUT", "/flows/demo/hello", data=HELLO.encode()).json["revision"] == 1
    changed = HELLO.replace("Good day", "Good night")
    assert server.call("PUT", "/flows/demo/hello", data=changed.encode()).json["revision"] == 2
    assert server.get("/flows/demo/hello?revision=1").json["tasks"][0]["format"].startswith("Good day")
    assert [r["revision"] for r in server.get("/flows/demo/hello/revisions").json] == [1, 2]
    assert server.get("/flows/demo/hello?revision=7").status == 404


def test_an_update_must_name_the_flow_of_its_address(server: Any) -> None:
    server.save(HELLO)
    reply = server.call("PUT", "/flows/demo/other", data=HELLO.encode())
    assert reply.status == 422
    assert reply.json["_embedded"]["errors"][0]["path"] == "id"
    assert server.call("PUT", "/flows/demo/nobody", data=HELLO.replace("hello", "nobody").encode()).status == 404


def test_a_deleted_flow_is_gone_but_can_be_read_and_saved_again(server: Any) -> None:
    server.save(HELLO)
    assert server.call("DELETE", "/flows/demo/hello").status == 204
    assert server.get("/flows/demo/hello").status == 404
    assert server.get("/flows/demo/hello?allowDeleted=true").json["deleted"] is True
    assert server.call("DELETE", "/flows/demo/hello").status == 404
    assert server.save(HELLO)["revision"] == 2


def test_an_invalid_flow_is_refused_with_every_error_and_its_place(server: Any) -> None:
    reply = server.post(
        "/flows", data=b"id: x\nnamespace: demo\ntasks:\n- id: a\n- id: a\n  type: io.kestra.plugin.core.log.Log\n"
    )
    assert reply.status == 422
    body = reply.json
    assert body["type"].endswith("invalid-entity")
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    paths = [each["path"] for each in body["_embedded"]["errors"]]
    assert len(paths) >= 2
    assert all(each["pointer"].startswith("/tasks") for each in body["errors"])


def test_validate_always_answers_200_and_tells_what_is_outdated(server: Any) -> None:
    server.save(HELLO)
    (fine,) = server.post("/flows/validate", data=HELLO.encode()).json
    assert fine["constraints"] is None
    assert fine["outdated"] is False
    both = server.post("/flows/validate", data=(f"revision: 9\n{HELLO}\n---\nid: broken\nnamespace: demo\n").encode())
    assert both.status == 200
    first, second = both.json
    assert first["outdated"] is True
    assert "tasks" in second["constraints"]
    task = server.post("/flows/validate/task?section=TASKS", data=b"id: a\ntype: io.kestra.plugin.core.log.Log\n")
    assert "message" in task.json["constraints"]


def test_several_flows_are_saved_from_one_text_or_none_if_one_is_invalid(server: Any) -> None:
    other = HELLO.replace("id: hello", "id: other")
    broken = server.post("/flows/bulk", data=f"{HELLO}---\n{other.replace('Return', 'Nonsense')}".encode())
    assert broken.status == 422
    assert server.get("/flows/demo/hello").status == 404
    saved = server.post("/flows/bulk", data=f"---\n{HELLO}---\n# two\n{other}".encode()).json
    assert [(flow["id"], flow["revision"]) for flow in saved] == [("hello", 1), ("other", 1)]
    assert saved[0]["source"] == HELLO
    replaced = server.post("/flows/demo?delete=true", data=other.encode())
    assert replaced.status == 200
    assert [flow["id"] for flow in server.get("/flows/demo").json] == ["other"]


def test_flows_are_found_by_text_namespace_and_label(server: Any) -> None:
    server.save(HELLO)
    server.save(HELLO.replace("id: hello", "id: second").replace("demo", "demo.sub").replace("blue", "red"))
    server.save(HELLO.replace("id: hello", "id: third").replace("demo", "demonstration"))

    def found(query: str) -> list[str]:
        return [flow["id"] for flow in server.get(f"/flows/search?{query}").json["results"]]

    assert found("") == ["hello", "second", "third"]
    assert found("namespace=demo") == ["hello", "second"]
    assert found("filters[namespace][EQUALS]=demo") == ["hello"]
    assert found("q=SEC") == ["second"]
    assert found("labels=team:red") == ["second"]
    assert found("filters[labels][EQUALS][team]=blue&sort=id:desc") == ["third", "hello"]
    assert server.get("/flows/search?size=2&page=2").json == {
        "results": [server.get("/flows/demonstration/third").json],
        "total": 3,
    }
    assert server.get("/flows/distinct-namespaces").json == ["demo", "demo.sub", "demonstration"]


def test_tasks_and_graphs_can_be_read(server: Any) -> None:
    server.save(HELLO)
    assert server.get("/flows/demo/hello/tasks/greet").json["id"] == "greet"
    assert server.get("/flows/demo/hello/tasks/nobody").status == 404
    graph = server.get("/flows/demo/hello/graph").json
    assert set(graph) >= {"nodes", "edges", "clusters"}
    assert server.post("/flows/graph", data=HELLO.encode()).json == graph


def test_several_flows_are_disabled_and_enabled_by_id(server: Any) -> None:
    server.save(HELLO)
    ids = msgspec.json.encode([{"namespace": "demo", "id": "hello"}, {"namespace": "demo", "id": "nobody"}])

    assert [server.post("/flows/disable/by-ids", data=ids).json["count"] for _ in range(2)] == [1, 0]
    found = server.get("/flows/demo/hello?source=true").json
    assert (found["disabled"], found["revision"]) == (True, 2)
    assert found["source"].replace("disabled: true\n", "") == HELLO
    assert server.post("/executions/demo/hello").status == 409

    assert server.post("/flows/enable/by-ids", data=ids).json["count"] == 1
    assert server.get("/flows/demo/hello").json["disabled"] is False


def test_several_flows_are_deleted_by_id(server: Any) -> None:
    server.save(HELLO)
    ids = [{"namespace": "demo", "id": "hello"}, {"namespace": "demo", "id": "nobody"}]
    assert server.call("DELETE", "/flows/delete/by-ids", data=msgspec.json.encode(ids)).json["count"] == 1
    assert server.get("/flows/demo").json == []
