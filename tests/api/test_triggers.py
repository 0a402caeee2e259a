from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.trigger.events import Backfill, TriggerChanged, TriggerRemoved
from tests.api.conftest import Steps

SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
NAME = {"namespace": "demo", "flowId": "scheduled", "triggerId": "tick"}
ONE = "/triggers/demo/scheduled/tick"


def save(server: Any, triggers: str = f'[{{id: tick, type: {SCHEDULE}, cron: "0 0 1 1 *"}}]') -> None:
    format = "{{ inputs.x ?? 'none' }} {{ inputs.n + 1 }} {{ trigger.date }}"
    task = f'{{id: t, type: io.kestra.plugin.core.debug.Return, format: "{format}"}}'
    inputs = "[{id: x, type: STRING, required: false}, {id: n, type: INT, defaults: 2}]"
    source = f"id: scheduled\nnamespace: demo\ninputs: {inputs}\ntasks: [{task}]\n"
    source += f"triggers: {triggers}\n"
    if server.post("/flows", data=source.encode()).status != 200:
        reply = server.call("PUT", "/flows/demo/scheduled", data=source.encode())
        assert reply.status == 200, reply.text


def states(server: Any) -> list[Any]:
    found: list[Any] = server.get("/triggers/demo/scheduled").json["results"]
    return found


def appears(server: Any, holds: Callable[[list[Any]], bool]) -> list[Any]:
    """Return a flow's triggers as soon as they are as they should be: they hear of their flow after it was saved."""
    for _ in range(1_000):
        found = states(server)
        if holds(found):
            return found
    raise AssertionError(f"the triggers never came to be so: {found}")


@pytest.fixture
def scheduled(server: Any) -> Any:
    save(server)
    appears(server, bool)
    return server


def test_a_trigger_is_listed_with_its_state_for_clients_of_both_generations(scheduled: Any) -> None:
    found = scheduled.get("/triggers/search?sort=nextExecutionDate:asc&size=5").json

    assert found["total"] == 1
    (item,) = found["results"]
    assert item["abstractTrigger"] == item["trigger"] == {"id": "tick", "type": SCHEDULE, "cron": "0 0 1 1 *"}
    state = item["state"]
    assert item["triggerContext"] == state
    assert {key: state[key] for key in NAME} == NAME
    assert state["nextExecutionDate"] == state["nextEvaluationDate"] and state["nextExecutionDate"].endswith(
        "-01-01T00:00:00.000Z"
    )
    assert (state["disabled"], state["locked"], state["kind"]) == (False, False, "SCHEDULE")
    assert "executionId" not in state and "backfill" not in state


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("q=tick", 1),
        ("q=nothing", 0),
        ("namespace=demo", 1),
        ("filters[flowId][EQUALS]=other", 0),
        ("filters[triggerState][EQUALS]=DISABLED", 0),
        ("filters[triggerState][EQUALS]=ENABLED", 1),
        ("filters[locked][EQUALS]=true", 0),
        ("filters[nextExecutionDate][GREATER_THAN]=2000-01-01T00:00:00Z", 1),
    ],
)
def test_triggers_are_searched(scheduled: Any, query: str, total: int) -> None:
    assert scheduled.get(f"/triggers/search?{query}").json["total"] == total


def test_a_search_for_a_state_that_is_none_is_refused(scheduled: Any) -> None:
    assert scheduled.get("/triggers/search?filters[triggerState][EQUALS]=ASLEEP").status in (400, 422)


def test_a_trigger_is_turned_off_and_on(scheduled: Any) -> None:
    off = scheduled.call("PUT", "/triggers/set-disabled", json={**NAME, "disabled": True})
    assert off.status == 200 and off.json["disabled"]

    many = scheduled.call("PUT", "/triggers/set-disabled/by-triggers", json={"triggers": [NAME], "disabled": False})
    assert many.json == {"count": 1} and not states(scheduled)[0]["disabled"]

    searched = scheduled.post("/triggers/set-disabled/by-query?namespace=demo&disabled=true")
    assert searched.json == {"count": 1} and states(scheduled)[0]["disabled"]

    old = scheduled.call("PUT", "/triggers", json={**NAME, "disabled": False})
    assert old.status == 200 and not old.json["disabled"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/triggers/set-disabled", {"namespace": "demo", "disabled": True}),
        ("PUT", "/triggers/set-disabled", {**NAME, "disabled": "yes"}),
        ("PUT", "/triggers/backfill/create", {**NAME, "backfill": {"end": "2026-01-01T00:00:00Z"}}),
        ("PUT", "/triggers/backfill/create", {**NAME, "backfill": {"start": "yesterday"}}),
        ("PUT", "/triggers/backfill/create", {**NAME, "backfill": {"start": "2020-01-01T00:00:00Z", "inputs": [1]}}),
        ("PUT", "/triggers/set-disabled/by-triggers", {"triggers": "all", "disabled": True}),
    ],
)
def test_a_body_that_asks_for_nothing_clear_is_refused(scheduled: Any, method: str, path: str, body: Any) -> None:
    assert scheduled.call(method, path, json=body).status == 422


def test_what_cannot_be_done_is_told(scheduled: Any) -> None:
    assert scheduled.post(f"{ONE}/unlock").status == 409
    assert scheduled.call("DELETE", ONE).status == 409
    assert scheduled.call("PUT", "/triggers/backfill/pause", json=NAME).status == 409
    assert scheduled.post("/triggers/demo/scheduled/other/unlock").status == 404
    several = scheduled.post("/triggers/unlock/by-triggers", json=[NAME])
    assert several.status == 409 and "1 of 1 triggers refused" in several.text


def test_a_trigger_begins_anew(scheduled: Any) -> None:
    assert scheduled.post(f"{ONE}/restart").json["triggerId"] == "tick"


def test_a_backfill_runs_the_dates_of_the_past(scheduled: Any) -> None:
    body = {"start": "2020-06-01T00:00:00Z", "end": "2022-06-01T00:00:00Z", "inputs": {"x": "y"}, "labels": {"a": "b"}}
    made = scheduled.call("PUT", "/triggers/backfill/create", json={**NAME, "backfill": {**body, "paused": True}})
    assert made.status == 200, made.text
    assert made.json["backfill"] == {
        "start": "2020-06-01T00:00:00.000Z",
        "end": "2022-06-01T00:00:00.000Z",
        "currentDate": "2021-01-01T00:00:00.000Z",
        "paused": True,
        "inputs": {"x": "y"},
        "labels": [{"key": "a", "value": "b"}],
    }

    assert scheduled.call("PUT", "/triggers/backfill/unpause", json=NAME).status == 200
    appears(scheduled, lambda found: "backfill" not in found[0] and not found[0]["locked"])

    executions = scheduled.get("/executions/search?namespace=demo&sort=state.startDate:asc").json
    assert executions["total"] == 2
    first = scheduled.get(f"/executions/{executions['results'][0]['id']}").json
    assert first["taskRunList"][0]["outputs"]["value"] == "y 3 2021-01-01T00:00:00Z"
    assert {"key": "a", "value": "b"} in first["labels"]


def test_a_backfill_is_ended(scheduled: Any) -> None:
    body = {**NAME, "backfill": {"start": "2020-06-01T00:00:00Z", "paused": True}}
    assert scheduled.call("PUT", "/triggers", json=body).json["backfill"]["paused"]

    assert "backfill" not in scheduled.post("/triggers/backfill/delete", json=NAME).json


def test_triggers_follow_their_flow(scheduled: Any) -> None:
    save(scheduled, f'[{{id: other, type: {SCHEDULE}, cron: "0 0 1 1 *"}}]')
    assert appears(scheduled, lambda found: [each["triggerId"] for each in found] == ["other"])

    scheduled.call("DELETE", "/flows/demo/scheduled")
    assert appears(scheduled, lambda found: not found) == []


def test_the_views_of_triggers_are_folded_from_their_events(log: Any, database: Any, fold: Any) -> None:
    steps = Steps(log, "triggers")
    backfill = Backfill(start_ms=1, end_ms=2, current_ms=1, created_ms=3, inputs_json=b'{"a":1}', labels={"k": "v"})
    state = {"at_ms": 5, "why": "ticked", "definition": "d", "next_ms": 9, "last_ms": 8, "execution_id": "e"}
    steps.step(
        "n/f", TriggerChanged(trigger_id="a", **state, backfill=backfill), TriggerChanged(trigger_id="b", **state)
    )
    fold()
    steps.step("n/f", TriggerRemoved(trigger_id="b"), TriggerChanged(trigger_id="a", **{**state, "next_ms": None}))
    fold()

    rows = database.reader().query("SELECT namespace, flow_id, trigger_id, next_ms, backfill FROM triggers")
    assert [tuple(row) for row in rows] == [("n", "f", "a", None, None)]
