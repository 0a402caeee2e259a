"""ForEachItem: split, an execution for each batch, merge; in restarts, kills and with every message twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.batches import ACTIVE_MAX
from engine.values import State
from tests.engine.execution.family import Family

PARENT = """
id: parent
namespace: test
tasks:
  - {id: each, type: io.kestra.plugin.core.flow.ForEachItem, items: "kestra:///f", batch: {rows: 2}, namespace: test,
     flowId: child, inputs: {file: "{{ taskrun.items }}", n: "{{ taskrun.iteration }}"}EXTRA}
  - {id: after, type: Return, format: "{{ outputs.each_items.iterations | jq('.SUCCESS') | first }}"}
"""
CHILD = """
id: child
namespace: test
inputs: [{id: file, type: STRING}, {id: n, type: INT}]
tasks: [{id: work, type: Work, script: x}]
outputs: [{id: n, type: INT, value: "{{ inputs.n }}"}]
"""


def family(count: int, extra: str = "", **options: Any) -> tuple[Family, dict[str, Any]]:
    """Return the executions, and what their workers do."""
    split = {"splits": "kestra:///s", "count": count, "base": "kestra:///b/", "suffix": ".csv"}
    made = Family(PARENT.replace("EXTRA", f", {extra}" if extra else ""), CHILD, **options)
    return made, {"each_split": split}


@pytest.mark.parametrize("twice", [False, True])
def test_each_batch_has_an_execution(twice: bool) -> None:
    made, script = family(3, twice=twice)
    made.run(script)

    assert made.parent.state is State.SUCCESS
    inputs = [msgspec.json.decode(child.of(e.ExecutionCreated)[0].inputs_json) for child in made.children]
    assert inputs == [{"file": f"kestra:///b/0000000{n}.csv", "n": n} for n in range(3)]
    assert made.parent["each_items"].outputs == {
        "numberOfBatches": 3,
        "iterations": {"CREATED": 0, "RUNNING": 0, "SUCCESS": 3},
        "subflowOutputsBaseUri": "kestra:///b/",
    }
    assert made.parent.order() == ["each", "each_split", "each_items", "each_merge", "after"]
    assert made.parent.value("after") == "3"


def test_an_empty_file_calls_nobody() -> None:
    made, script = family(0)
    made.run(script)

    assert (made.parent["each"].state, made.children) == (State.SUCCESS, [])


def test_executions_know_their_batch() -> None:
    made, script = family(1)
    made.run(script)
    trigger = msgspec.json.decode(made.child.of(e.ExecutionCreated)[0].trigger_json)

    assert trigger["type"] == "io.kestra.plugin.core.flow.ForEachItem"
    assert (trigger["variables"]["taskRunIteration"], trigger["variables"]["taskRunItems"]) == (
        0,
        "kestra:///b/00000000.csv",
    )


def test_many_batches_run_some_at_once_and_leave_no_rows() -> None:
    made, script = family(3 * ACTIVE_MAX)
    made.create()
    made.deliver()
    made.parent.work(script)
    while made.deliver() or made.parent.fire_next(made.parent.now_ms):
        pass
    assert len(made.children) == ACTIVE_MAX

    made.go_on(script)

    assert len(made.children) == 3 * ACTIVE_MAX
    assert (made.parent["each_items"].outputs or {})["iterations"] == {
        "CREATED": 0,
        "RUNNING": 0,
        "SUCCESS": 3 * ACTIVE_MAX,
    }
    assert [key for key in made.parent.rows.rows if key.startswith("x/")] == []


@pytest.mark.parametrize(("extra", "state"), [("", State.FAILED), ("transmitFailed: false", State.SUCCESS)])
def test_the_worst_end_is_passed_on_unless_it_is_not_to(extra: str, state: State) -> None:
    made, script = family(3, extra)
    made.run({**script, "work": [State.SUCCESS, State.FAILED, State.SUCCESS]})

    assert made.parent["each_items"].state is state
    assert (made.parent["each_items"].outputs or {})["iterations"] == {
        "CREATED": 0,
        "RUNNING": 0,
        "SUCCESS": 2,
        "FAILED": 1,
    }


def test_without_waiting_the_executions_need_only_exist() -> None:
    made, script = family(3, "wait: false")
    made.run({**script, "work": State.FAILED})

    assert made.parent.state is State.SUCCESS
    assert (made.parent["each_items"].outputs or {})["iterations"] == {"RUNNING": 0, "SUCCESS": 3}


def test_a_flow_that_is_not_there_fails_it_with_the_reason() -> None:
    made, script = family(2)
    made.flows.pop(("test", "child"))
    made.run(script)

    assert made.parent["each_items"].state is State.FAILED
    assert "2 of 2" in made.parent["each_items"].error
    assert "test.child is not in the catalogue" in made.parent["each_items"].error


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("extra", "executions"), [("", 3), ("restartBehavior: NEW_EXECUTION", 5)])
def test_a_restart_runs_only_what_failed(twice: bool, extra: str, executions: int) -> None:
    made, script = family(3, extra, twice=twice)
    made.run({**script, "work": [State.FAILED, State.SUCCESS, State.FAILED, State.SUCCESS]})
    assert made.parent.state is State.FAILED

    made.parent.send(c.RestartExecution())
    made.go_on({**script, "work": State.SUCCESS})

    assert made.parent.state is State.SUCCESS
    assert len(made.children) == executions
    assert (made.parent["each_items"].outputs or {})["iterations"] == {"CREATED": 0, "RUNNING": 0, "SUCCESS": 3}
    finished = [event.outputs_json for event in made.parent.of(e.ChildFinished) if event.state is State.SUCCESS]
    assert sorted(finished) == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_a_kill_reaches_all_executions_and_a_restart_runs_them_again() -> None:
    made, script = family(2)
    made.create()
    made.deliver()
    made.parent.work(script)
    while made.deliver():
        pass

    made.parent.send(c.KillExecution())
    made.go_on(script)
    assert [made.parent.state, *(child.state for child in made.children)] == [State.KILLED] * 3

    made.parent.send(c.RestartExecution())
    made.go_on(script)
    assert [made.parent.state, *(child.state for child in made.children)] == [State.SUCCESS] * 3


@pytest.mark.parametrize("losses", range(1, 9))
def test_whatever_message_is_lost_is_said_again(losses: int) -> None:
    made, script = family(2)
    sent = 0
    hand = made.hand

    def lose_one(effect: Any) -> None:
        nonlocal sent
        sent += 1
        if sent != losses:
            hand(effect)

    made.hand = lose_one  # type: ignore[method-assign]
    made.run(script)
    made.say_again()
    made.go_on(script)

    assert made.parent.state is State.SUCCESS
    assert [child.all("work")[0].attempts for child in made.children] == [1, 1]


def test_inputs_that_need_a_worker_fail_it_with_the_reason() -> None:
    _made, script = family(1)
    source = PARENT.replace("EXTRA", "").replace("{{ taskrun.items }}", "{{ kv('x') }}")
    made = Family(source, CHILD)
    made.run({**script, "each_items": {"rendered": ["x"]}})

    assert made.parent["each_items"].state is State.FAILED
