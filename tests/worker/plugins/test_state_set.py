"""`state.Set`: data is merged into what earlier executions left."""

from __future__ import annotations

from typing import Any

from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.state.Set"
FLOW = {"id": "hello", "namespace": "company.team"}


def put(attempts: Attempts, data: dict[str, Any], variables: dict[str, Any] | None = None, **properties: Any) -> Any:
    wanted = job(TYPE, properties={"data": data, **properties}, variables={"flow": FLOW, **(variables or {})})
    return attempts.outputs(wanted)


def kept(attempts: Attempts, key: str) -> Any:
    found = attempts.keys.get("company.team", key)
    assert found is not None
    return found.value


def test_data_is_merged_maps_key_by_key_and_lists_one_after_the_other(attempts: Attempts) -> None:
    assert put(attempts, {"a": 1, "m": {"x": 1}, "l": [1]}) == {
        "count": 3,
        "key": "hello_states_tasks-states_default",
    }
    assert put(attempts, {"b": "{{ flow.id }}", "m": {"y": 2}, "l": [2], "a": None})["count"] == 4
    assert kept(attempts, "hello_states_tasks-states_default") == {
        "a": 1,
        "b": "hello",
        "m": {"x": 1, "y": 2},
        "l": [1, 2],
    }


def test_states_are_apart_by_name_flow_and_value_of_the_loop(attempts: Attempts) -> None:
    value = {"taskrun": {"value": "a/b ü"}}
    keys = [
        put(attempts, {"n": 1}, name="{{ flow.id }}-2")["key"],
        put(attempts, {"n": 2}, namespace=True)["key"],
        put(attempts, {"n": 3}, value)["key"],
        put(attempts, {"n": 4}, value, taskrunValue=False)["key"],
    ]
    assert keys[0] == "hello_states_tasks-states_hello-2"
    assert keys[1] == "states_tasks-states_default"
    assert keys[2].startswith("hello_states_tasks-states_default_")
    assert keys[3] == "hello_states_tasks-states_default"
    assert [kept(attempts, key)["n"] for key in keys] == [1, 2, 3, 4]
