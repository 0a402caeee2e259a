"""`state.Get`: what executions have left."""

from __future__ import annotations

from engine.key_values import Content, Kind
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.state.Get"
KEY = "hello_states_tasks-states_default"


def test_a_state_comes_back_with_its_size(attempts: Attempts) -> None:
    attempts.keys.set("company.team", KEY, Content(kind=Kind.JSON, value={"a": 1, "b": [2]}))
    assert attempts.outputs(job(TYPE)) == {"count": 2, "data": {"a": 1, "b": [2]}}


def test_a_missing_state_is_empty_or_an_error(attempts: Attempts) -> None:
    assert attempts.outputs(job(TYPE)) == {"count": 0, "data": {}}
    ended = attempts.run(job(TYPE, properties={"name": "n", "errorOnMissing": True}))
    assert ended.error == "There is no state 'n', and `errorOnMissing` is set to true"


def test_a_key_that_holds_something_else_is_no_state(attempts: Attempts) -> None:
    attempts.keys.set("company.team", KEY, Content(kind=Kind.NUMBER, value=1))
    assert attempts.run(job(TYPE)).error == f"Expected a map as state in the key '{KEY}', but it is of type NUMBER"
