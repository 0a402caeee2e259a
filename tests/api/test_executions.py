from __future__ import annotations

from typing import Any

import msgspec
import pytest
from aiohttp import FormData

RETURN = "io.kestra.plugin.core.debug.Return"
HELLO = f"""
id: hello
namespace: demo
labels: {{team: blue}}
variables: {{greeting: Good day}}
inputs:
  - {{id: name, type: STRING, defaults: world}}
  - {{id: size.deep, type: INT, required: false}}
tasks:
  - {{id: greet, type: {RETURN}, format: "{{{{ vars.greeting }}}}, {{{{ inputs.name }}}}"}}
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "said {{{{ outputs.greet.value }}}}"}}
"""
PAUSING = f"""
id: pausing
namespace: demo
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {{id: reason, type: STRING}}
      - {{id: data, type: FILE, required: false}}
  - {{id: after, type: {RETURN}, format: "{{{{ outputs.wait.onResume.reason }}}}"}}
"""


def form(**fields: str) -> FormData:
    data = FormData(default_to_multipart=True)
    for name, value in fields.items():
        data.add_field(name, value)
    return data


def run(server: Any, flow: str = "hello", query: str = "wait=true", **options: Any) -> Any:
    reply = server.post(f"/executions/demo/{flow}?{query}", **options)
    assert reply.status == 200, reply.text
    return reply.json


def until(server: Any, id: str, state: str) -> Any:
    for _ in range(2_000):
        execution = server.get(f"/executions/{id}").json
        if execution["state"]["current"] == state:
            return execution
    raise AssertionError(f"{id} is {execution['state']}, not {state}")


CHOOSING = """id: choosing
namespace: demo
tasks:
  - id: choice
    type: io.kestra.plugin.core.flow.Switch
    value: b
    cases:
      a:
        - {id: never, type: io.kestra.plugin.core.log.Log, message: never}
    defaults:
      - {id: otherwise, type: io.kestra.plugin.core.log.Log, message: otherwise}
"""


def test_an_execution_runs_and_shows_everything_about_itself(server: Any) -> None:
    server.save(HELLO)
    found = run(server, "hello", "wait=true&labels=a:b:c&labels=system.correlationId:root", data=form(name="Ada"))
    assert found["state"]["current"] == "SUCCESS"
    assert found["inputs"] == {"name": "Ada", "size": {}} or found["inputs"]["name"] == "Ada"
    assert found["variables"] == {"greeting": "Good day"}
    labels = {label["key"]: label["value"] for label in found["labels"]}
    assert labels == {"team": "blue", "a": "b:c", "system.correlationId": "root"}
    assert found["taskRunList"][0]["outputs"]["value"] == "Good day, Ada"
    assert found["originalId"] == found["id"]
    assert found["url"].endswith(f"/demo/hello/{found['id']}")
    assert server.get(f"/executions/{found['id']}").json == found
    lines = server.get(f"/logs/{found['id']}").json
    assert any(line["message"] == "said Good day, Ada" and line["taskId"] == "say" for line in lines)


def test_a_request_without_a_body_starts_an_execution_too(server: Any) -> None:
    server.save(HELLO)
    assert run(server)["taskRunList"][0]["outputs"]["value"] == "Good day, world"


def test_what_was_asked_is_visible_at_once(server: Any) -> None:
    server.save(HELLO)
    started = run(server, query="")
    assert server.get("/executions/search?flowId=hello").json["results"][0]["id"] == started["id"]


def test_wrong_inputs_are_all_named_and_nothing_starts(server: Any) -> None:
    server.save(HELLO.replace("defaults: world", "validator: 'A+'"))
    reply = server.post("/executions/demo/hello", data=form(name="B", **{"size.deep": "x"}))
    assert reply.status == 422
    assert [each["path"] for each in reply.json["errors"]] == ["inputs.name", "inputs.size.deep"]
    assert "name" in reply.json["message"]
    assert server.get("/executions/search").json["total"] == 0


def test_the_same_idempotency_key_gives_the_same_execution(server: Any) -> None:
    server.save(HELLO)
    headers = {"Idempotency-Key": "once"}
    first = run(server, headers=headers)
    assert run(server, headers=headers) == first
    assert run(server, headers={"Idempotency-Key": "twice"})["id"] != first["id"]
    assert server.get("/executions/search").json["total"] == 2


def with_key(server: Any, flow: str = "hello", query: str = "", **options: Any) -> Any:
    return server.post(f"/executions/demo/{flow}?{query}", headers={"Idempotency-Key": "order 4711"}, **options)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("labels=a:b", {"name": "Bob"}),
        ("labels=a:b", {"name": "Ada", "size.deep": "1"}),
        ("labels=a:b", {}),
        ("labels=a:c", {"name": "Ada"}),
        ("", {"name": "Ada"}),
        ("labels=a:b&kind=TEST", {"name": "Ada"}),
        ("labels=a:b&scheduleDate=2999-01-01T00:00:00Z", {"name": "Ada"}),
        ("labels=a:b&revision=1", {"name": "Ada"}),
    ],
)
def test_another_request_with_the_same_idempotency_key_is_refused(
    server: Any, query: str, fields: dict[str, str]
) -> None:
    server.save(HELLO)
    first = with_key(server, query="labels=a:b", data=form(name="Ada")).json
    reply = with_key(server, query=query, data=form(**fields) if fields else None)
    assert reply.status == 422
    assert f"started execution {first['id']}" in reply.json["detail"]
    assert "a key of its own" in reply.json["detail"]
    assert server.get("/executions/search").json["total"] == 1


def test_a_request_is_repeated_whatever_became_of_its_flow_its_labels_and_the_time_of_day(server: Any) -> None:
    timed = HELLO.replace("defaults: world", "defaults: '{{ now() }}'")
    server.save(timed)
    first = with_key(server, query="wait=true&labels=a:b&labels=c:d").json
    server.post(f"/executions/{first['id']}/labels", json=[{"key": "a", "value": "changed"}])
    changed = timed.replace("id: size.deep, type: INT, required: false", "id: more, type: STRING")
    server.call("PUT", "/flows/demo/hello", data=changed.replace("id: hello", "id: hello\ndisabled: true").encode())
    repeated = with_key(server, query="labels=c:d&labels=a:b")
    assert repeated.status == 200, repeated.text
    assert (repeated.json["id"], repeated.json["inputs"]) == (first["id"], first["inputs"])


def test_a_repeated_file_stays_as_it_is_and_another_one_is_refused(server: Any) -> None:
    server.save(f"id: f\nnamespace: demo\ninputs: [{{id: data, type: FILE}}]\ntasks: [{{id: t, type: {RETURN}}}]\n")

    def upload(contents: bytes) -> Any:
        data = FormData()
        data.add_field("data", contents, filename="rows.csv")
        return with_key(server, "f", data=data)

    first = upload(b"a,b\n").json
    again, other = upload(b"a,b\n"), upload(b"c,d\n")
    assert (again.status, again.json["id"], other.status) == (200, first["id"], 422)
    assert server.storage.files == {first["inputs"]["data"]: b"a,b\n"}


def test_a_secret_is_no_part_of_what_an_execution_tells_about_its_request(server: Any) -> None:
    server.save(f"id: s\nnamespace: demo\ninputs: [{{id: key, type: SECRET}}]\ntasks: [{{id: t, type: {RETURN}}}]\n")
    first, second = (with_key(server, "s", data=form(key=value)) for value in ("hush", "hash"))
    assert (first.status, second.status) == (200, 200)
    assert first.json["id"] == second.json["id"]


def test_an_unknown_flow_revision_or_execution_is_404(server: Any) -> None:
    server.save(HELLO)
    assert server.post("/executions/demo/nobody").status == 404
    assert server.post("/executions/demo/hello?revision=9").status == 404
    for method, path in (
        ("GET", ""),
        ("DELETE", "/kill"),
        ("POST", "/pause"),
        ("POST", "/restart"),
        ("GET", "/follow"),
    ):
        assert server.call(method, f"/executions/nobody{path}").status == 404, path


def test_an_older_revision_may_be_run(server: Any) -> None:
    server.save(HELLO)
    server.call("PUT", "/flows/demo/hello", data=HELLO.replace("Good day", "Good night").encode())
    assert run(server, query="wait=true&revision=1")["taskRunList"][0]["outputs"]["value"] == "Good day, world"


def test_a_disabled_flow_is_409_and_reserved_labels_422(server: Any) -> None:
    server.save(HELLO)
    assert server.post("/executions/demo/hello?labels=system.x:y").status == 422
    assert server.post("/executions/demo/hello?labels=nocolon").status == 400
    server.save(HELLO.replace("id: hello", "id: dozing\ndisabled: true"))
    assert server.post("/executions/demo/dozing").status == 409


def test_a_scheduled_execution_waits(server: Any) -> None:
    server.save(HELLO)
    found = run(server, query="scheduleDate=2999-01-01T00:00:00Z")
    assert (found["state"]["current"], found["scheduleDate"]) == ("CREATED", "2999-01-01T00:00:00.000Z")
    assert server.post("/executions/demo/hello?scheduleDate=soon").status == 400


def test_a_file_input_is_stored_and_its_contents_can_be_read(server: Any) -> None:
    server.save(
        "id: f\nnamespace: demo\ninputs: [{id: data, type: FILE}]\n"
        + HELLO[HELLO.index("tasks:") :].replace("vars.greeting", "inputs.data").replace("inputs.name", "1")
    )
    by_name = FormData(quote_fields=False)
    by_name.add_field("data", b"a,b\n", filename="../rows of.csv", content_type="text/csv")
    found = run(server, "f", data=by_name)
    uri = found["inputs"]["data"]
    assert uri == f"kestra:///demo/f/executions/{found['id']}/inputs/data/rows_of.csv"
    old_form = FormData()
    old_form.add_field("files", b"other", filename="data")
    assert run(server, "f", data=old_form)["inputs"]["data"].endswith("/inputs/data/data")
    assert server.get(f"/executions/{found['id']}/file", params={"path": uri}).body == b"a,b\n"
    assert server.get(f"/executions/{found['id']}/file/metas", params={"path": uri}).json == {"size": 4}
    for strange in (
        "kestra:///demo/f/executions/other/x",
        f"kestra:///a/executions/{found['id']}/../../b",
        "file:///etc/passwd",
    ):
        assert server.get(f"/executions/{found['id']}/file", params={"path": strange}).status == 422
    assert server.get(f"/executions/{found['id']}/file", params={"path": uri + "x"}).status == 404


def test_a_secret_input_is_sealed_in_the_log_and_masked_in_answers(server: Any) -> None:
    tasks = f"tasks: [{{id: t, type: {RETURN}, format: x}}]"
    server.save("id: s\nnamespace: demo\ninputs: [{id: key, type: SECRET}]\n" + tasks)
    found = run(server, "s", data=form(key="hush"))
    assert found["inputs"] == {"key": "******"}


def test_a_pause_is_resumed_with_the_inputs_it_asks_for(server: Any) -> None:
    server.save(PAUSING)
    found = run(server, "pausing", "")
    id = found["id"]
    assert found["state"]["current"] == "PAUSED"
    refused = server.post(f"/executions/{id}/resume")
    assert refused.status == 422
    assert "reason" in refused.json["message"]
    asked = server.post(f"/executions/{id}/resume/validate", data=form(reason="r")).json
    assert [each["input"]["id"] for each in asked["inputs"]] == ["reason", "data"]
    data = form(reason="because")
    data.add_field("data", b"hello", filename="data")
    resumed = server.post(f"/executions/{id}/resume", data=data)
    assert resumed.status == 200, resumed.text
    (over,) = [server.get(f"/executions/{id}").json]
    assert over["state"]["current"] == "SUCCESS"
    assert over["taskRunList"][1]["outputs"]["value"] == "because"
    again = server.post(f"/executions/{id}/resume")
    assert again.status == 409
    assert again.json["type"].endswith("/conflict")


def test_kill_and_labels_and_the_2_0_addresses(server: Any) -> None:
    server.save(PAUSING)
    id = run(server, "pausing", "")["id"]
    labels = msgspec.json.encode([{"key": "k", "value": "v"}])
    changed = server.post(f"/executions/{id}/actions/labels", data=labels).json
    assert {"key": "k", "value": "v"} in changed["labels"]
    reserved = msgspec.json.encode([{"key": "system.k", "value": "v"}])
    assert server.post(f"/executions/{id}/labels", data=reserved).status == 422
    killed = server.call("DELETE", f"/executions/{id}/actions/kill")
    assert killed.status == 200
    assert "KILLING" in [entry["state"] for entry in killed.json["state"]["histories"]]


def test_labels_of_several_executions_are_put_over_those_that_they_have(server: Any) -> None:
    server.save(HELLO)
    id = run(server, query="wait=true&labels=a:b")["id"]
    wanted = {"executionsId": [id], "executionLabels": [{"key": "k", "value": "v"}, {"key": "a", "value": "c"}]}
    assert server.post("/executions/labels/by-ids", json=wanted).json["count"] == 1
    more = [{"key": "q", "value": "w"}]
    assert server.post("/executions/labels/by-query?filters[flowId][EQUALS]=hello", json=more).json["count"] == 1

    labels = {label["key"]: label["value"] for label in server.get(f"/executions/{id}").json["labels"]}
    assert labels == {"team": "blue", "a": "c", "k": "v", "q": "w", "system.correlationId": id}
    assert server.post(f"/executions/{id}/labels", json=[{"key": None, "value": None}]).status == 422


def test_the_state_of_an_ended_execution_can_be_changed_and_of_no_other(server: Any) -> None:
    server.save(HELLO)
    server.save(PAUSING)
    id = run(server, query="wait=true")["id"]
    assert server.post(f"/executions/{id}/change-status?status=WARNING").json["state"]["current"] == "WARNING"
    assert server.get(f"/executions/{id}").json["state"]["current"] == "WARNING"
    assert server.post(f"/executions/{id}/actions/change-status?status=NICE").status == 422
    paused = run(server, "pausing", "")["id"]
    assert server.post(f"/executions/{paused}/change-status?status=SUCCESS").status == 409


def test_an_execution_over_the_limit_is_queued_found_as_such_and_runs_when_forced(server: Any) -> None:
    server.save(PAUSING + "concurrency: {limit: 1}\n")
    first, second, third, fourth = (run(server, "pausing", "")["id"] for _ in range(4))
    until(server, first, "PAUSED")
    for id in (second, third, fourth):
        until(server, id, "QUEUED")
    queued = server.get("/executions/search?state=QUEUED").json["results"]

    assert {each["id"] for each in queued} == {second, third, fourth}
    assert server.post(f"/executions/{third}/force-run").status == 200
    histories = until(server, third, "PAUSED")["state"]["histories"]
    assert [entry["state"] for entry in histories] == ["CREATED", "QUEUED", "RUNNING", "PAUSED"]
    assert server.post(f"/executions/{second}/unqueue?state=PAUSED").status == 422
    assert server.post(f"/executions/{second}/actions/unqueue?state=CANCELLED").json["state"]["current"] == "CANCELLED"
    for id in (first, third):
        server.call("DELETE", f"/executions/{id}/kill")
    until(server, fourth, "PAUSED")
    assert server.post(f"/executions/{fourth}/unqueue").status == 409
    waiting = [run(server, "pausing", "")["id"] for _ in range(2)]
    for id in waiting:
        until(server, id, "QUEUED")
    query = "/executions/unqueue/by-query?namespace=demo&state=QUEUED"
    assert server.post(f"{query}&flowId=pausing&newState=FAILED").json["count"] == 2
    assert {until(server, id, "FAILED")["id"] for id in waiting} == set(waiting)
    queued_again = run(server, "pausing", "")["id"]
    until(server, queued_again, "QUEUED")
    assert server.post(query).json["count"] == 1
    until(server, queued_again, "PAUSED")
    assert server.post(f"/executions/{first}/actions/force-run").status == 409


def test_what_a_switch_chose_is_among_its_outputs(server: Any) -> None:
    server.save(CHOOSING)
    ended = run(server, "choosing", "wait=true")
    chosen = next(each for each in ended["taskRunList"] if each["taskId"] == "choice")
    assert chosen["outputs"] == {"value": "b", "defaults": True}


def test_bulk_actions_do_nothing_if_one_execution_does_not_exist(server: Any) -> None:
    server.save(PAUSING)
    ids = [run(server, "pausing", "")["id"] for _ in range(2)]
    refused = server.call("DELETE", "/executions/kill/by-ids", data=msgspec.json.encode([*ids, "nobody"]))
    assert refused.status == 400
    assert refused.json["errors"][0]["path"] == "nobody"
    assert server.get(f"/executions/{ids[0]}").json["state"]["current"] == "PAUSED"
    assert server.call("DELETE", "/executions/kill/by-ids", data=msgspec.json.encode(ids)).json["count"] == 2
    assert server.get(f"/executions/{ids[1]}").json["state"]["current"] in ("KILLED", "KILLING")


def test_a_template_is_evaluated_with_the_variables_of_a_task_run(server: Any) -> None:
    server.save(HELLO)
    found = run(server)
    greet = found["taskRunList"][0]["id"]
    path = f"/executions/{found['id']}/eval"
    assert server.post(path, data=b"{{ outputs.greet.value }}").json == {"result": "Good day, world"}
    assert server.post(f"{path}/{greet}", data=b"{{ taskrun.id }}").json == {"result": greet}
    assert "nothing" in server.post(path, data=b"{{ nothing }}").json["error"]
    assert "error" in server.post(path, data=b"{{ secret('x') }}").json
    assert server.post(f"{path}/nobody", data=b"x").status == 404


def test_inputs_can_be_checked_without_starting_anything(server: Any) -> None:
    server.save(HELLO)
    checked = server.post("/executions/demo/hello/validate", data=form(**{"size.deep": "x"})).json
    name, deep = checked["inputs"]
    assert (name["value"], name["isDefault"], name["errors"]) == ("world", True, [])
    assert "whole number" in deep["errors"][0]["message"]
    assert server.get("/executions/search").json["total"] == 0


def test_executions_that_others_asked_for_are_told_from_those_that_nobody_did(server: Any) -> None:
    server.save(HELLO)
    server.save(
        "id: calling\nnamespace: demo\ntasks:\n"
        "  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: demo, flowId: hello}\n"
    )
    caller = run(server, "calling")
    called = caller["taskRunList"][0]["outputs"]["executionId"]
    replayed = server.post(f"/executions/{caller['id']}/replay").json["id"]
    until(server, replayed, "SUCCESS")

    def found(which: str) -> set[str]:
        return {each["id"] for each in server.get(f"/executions/search?childFilter={which}").json["results"]}

    assert {caller["id"], replayed} == found("MAIN")
    assert called in found("CHILD") and not found("CHILD") & found("MAIN")


def test_executions_are_found_by_state_label_time_and_flow(server: Any) -> None:
    server.save(HELLO)
    server.save(PAUSING)
    done = run(server, query="wait=true&labels=a:1")["id"]
    paused = run(server, "pausing", "")["id"]

    def found(query: str) -> set[str]:
        reply = server.get(f"/executions/search?{query}")
        assert reply.status == 200, reply.text
        return {each["id"] for each in reply.json["results"]}

    assert found("") == {done, paused}
    assert found("state=PAUSED") == found("filters[state][IN]=PAUSED,KILLED") == {paused}
    assert found("state=PAUSED&state=SUCCESS") == {done, paused}
    assert found("filters[state][NOT_EQUALS]=PAUSED") == {done}
    assert found("labels=a:1") == found("filters[labels][EQUALS][a]=1") == {done}
    assert found("filters[labels][NOT_EQUALS][a]=1") == {paused}
    assert found("namespace=de") == set()
    assert found("namespace=demo&flowId=hello") == {done}
    assert found("filters[flowId][CONTAINS]=AUSIN") == {paused}
    assert found("filters[or][0][flowId][EQUALS]=hello&filters[or][1][state][EQUALS]=PAUSED") == {done, paused}
    assert found("filters[and][0][or][0][flowId][EQUALS]=hello&filters[state][EQUALS]=PAUSED") == set()
    assert found("timeRange=PT1H") == {done, paused}
    assert found("startDate=2999-01-01T00:00:00Z") == set()
    assert found("filters[taskId][EQUALS]=say") == {done}
    assert found("q=HELL") == {done}
    assert found("kind=TEST") == set()
    assert found("flowId=%25") == found("q=%25") == set()
    lists = server.get("/executions", params={"namespace": "demo", "flowId": "hello"}).json
    assert lists["total"] == 1
    assert "taskRunList" not in lists["results"][0]
    newest = server.post("/executions/latest", data=msgspec.json.encode([{"namespace": "demo", "id": "hello"}])).json
    assert [(each["id"], each["status"]) for each in newest] == [(done, "SUCCESS")]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=0", 422),
        ("size=-1", 422),
        ("size=1001", 422),
        ("sort=id", 422),
        ("sort=secret:asc", 422),
        ("filters[nope][EQUALS]=1", 400),
        ("filters[state][GLOWS]=1", 400),
        ("filters[state]=1", 400),
        ("filters[or][0][or][0][or][0][state][EQUALS]=A", 400),
        ("startDate=tomorrow", 422),
        ("timeRange=ever", 422),
        ("filters[startDate][EQUALS]=x", 400),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(api: Any, query: str, status: int) -> None:
    reply = api.get(f"/executions/search?{query}")
    assert reply.status == status
    assert reply.json["detail"]


def test_flow_and_graph_of_an_execution_are_those_of_its_revision(server: Any) -> None:
    server.save(HELLO)
    id = run(server)["id"]
    server.call("PUT", "/flows/demo/hello", data=HELLO.replace("id: say", "id: shout").encode())
    assert server.get(f"/executions/{id}/flow").json["tasks"][1]["id"] == "say"
    assert any("say" in node["uid"] for node in server.get(f"/executions/{id}/graph").json["nodes"])
    assert server.get("/executions/flows/demo/hello").json["tasks"][1]["id"] == "shout"


def test_an_action_that_this_server_does_not_have_says_so(server: Any) -> None:
    server.save(HELLO)
    id = run(server)["id"]
    reply = server.post(f"/executions/{id}/resume-from-breakpoint")
    assert reply.status == 404
    assert "resume-from-breakpoint" in reply.json["detail"]


def test_checks_of_the_flow_must_hold_before_an_execution_is_created(server: Any) -> None:
    server.save(
        HELLO.replace("id: hello", "id: checked")
        + """checks:
  - {condition: "{{ inputs.name != 'Eve' }}", message: not Eve}
  - {condition: "{{ inputs.name != 'Kay' }}", message: not Kay, behavior: FAIL_EXECUTION}
  - {when: "{{ inputs.name == 'Ada' }}", message: only a hint, behavior: CREATE_EXECUTION, style: WARNING}
"""
    )
    refused = server.post("/executions/demo/checked", data=form(name="Eve"))
    assert refused.status == 422
    assert "not Eve" in refused.json["message"]
    checked = server.post("/executions/demo/checked/validate", data=form(name="Bob")).json["checks"]
    assert checked == [{"message": "only a hint", "style": "WARNING", "behavior": "CREATE_EXECUTION"}]
    assert run(server, "checked", data=form(name="Bob"))["state"]["current"] == "SUCCESS"
    failed = run(server, "checked", data=form(name="Kay"))
    assert [entry["state"] for entry in failed["state"]["histories"]] == ["CREATED", "FAILED"]
    assert failed["taskRunList"] == [] and failed["inputs"]["name"] == "Kay"


@pytest.mark.parametrize("name", ["eval", "labels", "replay", "restart", "state", "unqueue"])
def test_a_form_starts_a_flow_whose_id_is_the_name_of_an_action(server: Any, name: str) -> None:
    server.save(HELLO.replace("id: hello", f"id: {name}"))

    started = run(server, name, data=form(name="you"))

    assert (started["flowId"], started["state"]["current"]) == (name, "SUCCESS")
    assert started["inputs"]["name"] == "you"


def test_an_ended_execution_can_be_deleted_and_is_found_nowhere(server: Any) -> None:
    server.save(HELLO)
    server.save(HELLO.replace("id: hello", "id: other"))
    kept, first, second = (run(server)["id"] for _ in range(3))
    third = run(server, "other")["id"]

    assert server.call("DELETE", f"/executions/{first}").status == 204
    assert server.call("DELETE", "/executions/by-ids", json=[second]).json["count"] == 1
    assert server.call("DELETE", "/executions/by-query?filters[flowId][EQUALS]=other").json["count"] == 1

    for gone in (first, second, third):
        assert server.get(f"/executions/{gone}").status == 404
        assert server.call("DELETE", f"/executions/{gone}").status == 404
        assert server.post(f"/executions/{gone}/restart").status == 404
    assert server.get(f"/executions/{kept}").json["state"]["current"] == "SUCCESS"


def test_an_execution_that_has_not_ended_is_not_deleted(server: Any) -> None:
    server.save(PAUSING)
    id = run(server, "pausing", "")["id"]
    until(server, id, "PAUSED")
    assert server.call("DELETE", f"/executions/{id}").status == 409
