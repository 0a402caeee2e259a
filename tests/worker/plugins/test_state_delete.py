"""`state.Delete`: what executions have left goes."""

from __future__ import annotations

from engine.key_values import Content, Kind
from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.core.state.Delete"


def test_a_state_is_deleted_once(attempts: Attempts) -> None:
    attempts.keys.set("company.team", "hello_states_tasks-states_default", Content(kind=Kind.JSON, value={}))
    assert attempts.outputs(job(TYPE)) == {"deleted": True}
    assert attempts.outputs(job(TYPE)) == {"deleted": False}


def test_a_missing_state_can_be_an_error(attempts: Attempts) -> None:
    ended = attempts.run(job(TYPE, properties={"errorOnMissing": True}))
    assert ended.error == "There is no state 'default', and `errorOnMissing` is set to true"
