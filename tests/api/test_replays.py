from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import FormData

from tests.api.test_executions import HELLO, PAUSING, RETURN, form, run

LOG = "io.kestra.plugin.core.log.Log"
CHAIN = f"""
id: chain
namespace: demo
labels: {{team: blue}}
inputs: [{{id: name, type: STRING, defaults: world}}]
tasks:
  - {{id: a, type: {RETURN}, format: "{{{{ inputs.name }}}} {{{{ execution.id }}}}"}}
  - {{id: each, type: io.kestra.plugin.core.flow.ForEach, values: [1, 2], tasks: [{{id: b, type: {LOG}, message: b}}]}}
  - {{id: c, type: {RETURN}, format: "{{{{ outputs.a.value }}}}{{{{ taskrun.attemptsCount }}}}"}}
"""
FAILING = CHAIN.replace("id: chain", "id: failing").replace("taskrun.attemptsCount", "missing")


def ended(server: Any, id: str) -> Any:
    reply = server.get(f"/executions/{id}")
    assert reply.status == 200, reply.text
    return reply.json


def replay(server: Any, source: Any, query: str = "", verb: str = "replay", **options: Any) -> Any:
    reply = server.post(f"/executions/{source['id']}/{verb}?{query}", **options)
    assert reply.status == 200, reply.text
    return ended(server, reply.json["id"])


def task_run(execution: Any, task: str) -> Any:
    return next(each for each in execution["taskRunList"] if each["taskId"] == task)


def labels(execution: Any) -> dict[str, str]:
    return {each["key"]: each["value"] for each in execution["labels"]}


def test_a_replay_from_the_beginning_runs_everything_with_the_same_inputs(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain", "wait=true&labels=x:y", data=form(name="Ada"))
    new = replay(server, source)

    assert new["id"] != source["id"]
    assert (new["parentId"], new["originalId"]) == (source["id"], source["id"])
    assert new["inputs"] == {"name": "Ada"}
    assert new["state"]["current"] == "SUCCESS"
    assert task_run(new, "a")["outputs"]["value"] == f"Ada {new['id']}"
    assert labels(new) == {**labels(source), "system.replay": "true"}
    assert labels(ended(server, source["id"])) == {**labels(source), "system.replayed": "true"}
    assert [each["taskId"] for each in new["taskRunList"]] == ["a", "each", "b", "b", "c"]


def test_a_replay_from_a_task_keeps_what_came_before_it(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain")
    new = replay(server, source, f"taskRunId={task_run(source, 'c')['id']}")

    assert [state["state"] for state in new["state"]["histories"]] == ["CREATED", "RESTARTED", "RUNNING", "SUCCESS"]
    old = task_run(source, "a")
    kept = task_run(new, "a")
    assert kept["id"] != old["id"]
    assert (kept["outputs"], kept["state"]["histories"]) == (old["outputs"], old["state"]["histories"])
    assert [len(task_run(new, each)["attempts"]) for each in "ac"] == [1, 2]
    assert task_run(new, "c")["outputs"]["value"] == f"world {source['id']}1"
    assert [each["taskId"] for each in new["taskRunList"]] == ["a", "each", "b", "b", "c"]
    ids = {each["id"] for each in new["taskRunList"]}
    assert {each.get("parentTaskRunId", kept["id"]) for each in new["taskRunList"]} <= ids
    assert ids.isdisjoint(each["id"] for each in source["taskRunList"])
    assert server.get(f"/logs/{new['id']}").json == []


def test_a_replay_takes_another_revision_and_refuses_one_without_the_task(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain")
    server.call("PUT", "/flows/demo/chain", data=CHAIN.replace("{id: c,", "{id: d,").encode())
    new = replay(server, source, "revision=2")
    assert (new["flowRevision"], new["taskRunList"][-1]["taskId"]) == (2, "d")

    chosen = task_run(source, "c")["id"]
    refused = server.post(f"/executions/{source['id']}/replay?revision=2&taskRunId={chosen}")
    assert refused.status == 422
    assert "'c'" in refused.text
    assert server.post(f"/executions/{source['id']}/replay?revision=3").status == 404
    assert server.post(f"/executions/{source['id']}/replay?taskRunId=nobody").status == 404
    assert server.post("/executions/nobody/replay").status == 404
    assert server.get("/executions/search?namespace=demo").json["total"] == 2


def test_inputs_that_only_the_other_revision_has_get_their_defaults_or_must_be_given(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain", data=form(name="Ada"))
    more = "{id: name, type: STRING, defaults: world}, {id: size.x, type: INT, defaults: 3}"
    server.call(
        "PUT", "/flows/demo/chain", data=CHAIN.replace("{id: name, type: STRING, defaults: world}", more).encode()
    )
    assert replay(server, source, "revision=2")["inputs"] == {"name": "Ada", "size": {"x": 3}}

    needed = more.replace(", defaults: 3", "")
    server.call(
        "PUT", "/flows/demo/chain", data=CHAIN.replace("{id: name, type: STRING, defaults: world}", needed).encode()
    )
    refused = server.post(f"/executions/{source['id']}/replay?revision=3")
    assert (refused.status, "size.x" in refused.text) == (422, True)
    new = replay(server, source, "revision=3", "replay-with-inputs", data=form(name="Bob", **{"size.x": "5"}))
    assert new["inputs"] == {"name": "Bob", "size": {"x": 5}}


def test_a_replay_with_other_inputs_checks_them(server: Any) -> None:
    server.save(HELLO)
    source = run(server)
    path = f"/executions/{source['id']}/replay-with-inputs"
    assert server.post(path, data=form(**{"size.deep": "x"})).status == 422
    new = server.post(path, data=form(name="Ada")).json
    assert task_run(ended(server, new["id"]), "greet")["outputs"]["value"] == "Good day, Ada"

    chosen = task_run(source, "say")["id"]
    new = replay(server, source, f"taskRunId={chosen}", "actions/replay-with-inputs", data=form(name="Ada"))
    assert new["inputs"]["name"] == "Ada"
    assert task_run(new, "greet")["outputs"]["value"] == "Good day, world"


def test_the_same_key_gives_the_same_replay(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain")
    headers = {"Idempotency-Key": "k"}
    first = replay(server, source, headers=headers)
    assert replay(server, source, headers=headers)["id"] == first["id"]
    other = server.post(f"/executions/{source['id']}/replay?revision=1", headers=headers)
    assert other.status == 422
    assert replay(server, first, headers=headers)["id"] not in (first["id"], source["id"])
    assert server.get("/executions/search?namespace=demo").json["total"] == 3


def test_a_disabled_or_deleted_flow_is_not_replayed(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain")
    server.call("PUT", "/flows/demo/chain", data=f"{CHAIN}disabled: true\n".encode())
    assert server.post(f"/executions/{source['id']}/replay?revision=2").status == 409
    server.call("DELETE", "/flows/demo/chain")
    assert server.post(f"/executions/{source['id']}/replay").status == 404


def test_secret_inputs_stay_sealed(server: Any) -> None:
    server.save(CHAIN.replace("id: chain", "id: hiding").replace("type: STRING", "type: SECRET"))
    source = run(server, "hiding", data=form(name="hidden"))
    new = replay(server, source)
    assert new["inputs"] == {"name": "******"}
    assert "hidden" not in str(new)


def test_a_restart_on_another_revision_makes_an_execution_that_keeps_what_ended_well(server: Any) -> None:
    server.save(FAILING)
    source = run(server, "failing")
    assert source["state"]["current"] == "FAILED"
    server.call("PUT", "/flows/demo/failing", data=FAILING.replace("missing", "taskrun.attemptsCount").encode())
    reply = server.post(f"/executions/{source['id']}/restart?revision=2")
    assert reply.status == 200, reply.text
    new = ended(server, reply.json["id"])

    assert new["id"] != source["id"]
    assert (new["parentId"], new["flowRevision"], new["state"]["current"]) == (source["id"], 2, "SUCCESS")
    assert task_run(new, "a")["outputs"] == task_run(source, "a")["outputs"]
    assert task_run(new, "c")["outputs"]["value"].endswith(f"{source['id']}1")
    assert labels(new)["system.restarted"] == "true"
    assert ended(server, source["id"])["state"]["current"] == "FAILED"


def test_a_restart_on_the_same_revision_keeps_the_execution(server: Any) -> None:
    server.save(FAILING)
    source = run(server, "failing")
    assert server.post(f"/executions/{source['id']}/restart?revision=1").json["id"] == source["id"]


def test_only_what_failed_is_restarted_on_another_revision(server: Any) -> None:
    server.save(CHAIN)
    source = run(server, "chain")
    server.call("PUT", "/flows/demo/chain", data=CHAIN.replace("blue", "red").encode())
    refused = server.post(f"/executions/{source['id']}/restart?revision=2")
    assert (refused.status, "SUCCESS" in refused.text) == (409, True)


def test_several_are_replayed_by_ids_or_by_a_search(server: Any) -> None:
    server.save(CHAIN)
    ids = [run(server, "chain")["id"] for _ in range(2)]
    server.call("PUT", "/flows/demo/chain", data=CHAIN.replace("blue", "red").encode())
    assert server.post("/executions/replay/by-ids", data=msgspec.json.encode(ids)).json["count"] == 2
    assert server.post("/executions/replay/by-ids", data=msgspec.json.encode([*ids, "nobody"])).status == 400
    path = f"/executions/replay/by-query?filters[id][EQUALS]={ids[0]}&latestRevision=true"
    assert server.post(path).json["count"] == 1

    found = server.get("/executions/search?namespace=demo&size=100").json["results"]
    assert sorted((each.get("parentId", ""), each["flowRevision"]) for each in found) == sorted(
        [("", 1), ("", 1), (ids[0], 1), (ids[1], 1), (ids[0], 2)]
    )


def test_labels_and_states_of_several_are_changed(server: Any) -> None:
    server.save(CHAIN)
    ids = [run(server, "chain")["id"] for _ in range(3)]
    wanted = {"executionsId": ids[:2], "executionLabels": [{"key": "x", "value": "1"}]}
    assert server.post("/executions/labels/by-ids", data=msgspec.json.encode(wanted)).json["count"] == 2
    assert server.post("/executions/labels/by-ids", data=b"[]").status == 422
    found = server.post("/executions/labels/by-query?labels=x:1", data=b'[{"key": "y", "value": "2"}]')
    assert found.json["count"] == 2
    assert [labels(ended(server, id)).get("y") for id in ids] == ["2", "2", None]

    assert server.post("/executions/change-status/by-query?labels=y:2&newStatus=WARNING").json["count"] == 2
    assert server.post("/executions/change-status/by-query?newStatus=BLUE").status == 422
    assert [ended(server, id)["state"]["current"] for id in ids] == ["WARNING", "WARNING", "SUCCESS"]


def test_a_search_that_finds_those_that_refuse_names_them(server: Any) -> None:
    server.save(PAUSING)
    server.save(CHAIN)
    over, paused = run(server, "chain")["id"], run(server, "pausing", "")["id"]
    refused = server.call("DELETE", "/executions/kill/by-query?namespace=demo")
    assert refused.status == 409
    assert [each["path"] for each in refused.json["errors"]] == [over]
    assert ended(server, paused)["state"]["current"] in ("KILLED", "KILLING")
    assert server.call("DELETE", "/executions/kill/by-query?namespace=nobody").json["count"] == 0


def test_files_of_the_executions_that_a_replay_follows_from_are_its_own_too(server: Any) -> None:
    server.save(CHAIN.replace("id: chain", "id: filed").replace("type: STRING, defaults: world", "type: FILE"))
    data = FormData(default_to_multipart=True)
    data.add_field("name", b"content", filename="x.txt")
    first = run(server, "filed", data=data)
    second = replay(server, first)
    third = replay(server, second, f"taskRunId={task_run(second, 'c')['id']}")
    assert third["originalId"] == first["id"]
    assert third["inputs"]["name"] == first["inputs"]["name"]
    path = f"/executions/{third['id']}/file?path={first['inputs']['name']}"
    assert server.get(path).text == "content"
    assert server.get(path.replace(first["id"], "another")).status == 422


def test_a_task_run_that_counts_as_success_lets_its_execution_go_on(server: Any) -> None:
    server.save(f"""
id: stuck
namespace: demo
tasks:
  - {{id: a, type: io.kestra.plugin.core.execution.Fail}}
  - {{id: b, type: {RETURN}, format: "{{{{ execution.state }}}}"}}
""")
    stuck = run(server, "stuck")
    assert stuck["state"]["current"] == "FAILED"
    path = f"/executions/{stuck['id']}/state"
    wanted = {"taskRunId": stuck["taskRunList"][0]["id"], "state": "SUCCESS"}
    assert server.post(path, data=msgspec.json.encode(wanted)).status == 200
    now = ended(server, stuck["id"])
    assert now["state"]["current"] == "SUCCESS"
    assert [state["state"] for state in now["state"]["histories"]][-3:] == ["RESTARTED", "RUNNING", "SUCCESS"]
    failed = task_run(now, "a")
    assert failed["state"]["current"] == "SUCCESS"
    assert [attempt["state"]["current"] for attempt in failed["attempts"]] == ["SUCCESS"]
    assert task_run(now, "b")["state"]["current"] == "SUCCESS"

    assert server.post(path, data=b"[]").status == 422
    assert server.post(path, data=msgspec.json.encode({**wanted, "state": "BLUE"})).status == 422
    assert server.post(path, data=msgspec.json.encode({**wanted, "taskRunId": "nobody"})).status == 404
