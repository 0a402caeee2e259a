"""Listeners of old flows: their tasks run once the execution has ended, if their conditions hold."""

from __future__ import annotations

import pytest

from engine.execution import commands as c
from engine.values import State
from tests.engine.execution.driven import Driven

CONDITION = "io.kestra.plugin.core.condition"
FLOW = f"""
id: flow
namespace: test
tasks: [{{id: a, type: Work, script: x}}]
afterExecution: [{{id: z, type: Work, script: x}}]
listeners:
- conditions: [{{type: {CONDITION}.ExecutionStatus, in: [FAILED, KILLED]}}]
  tasks: [{{id: bad1, type: Work, script: x}}, {{id: bad2, type: Return, format: "{{{{ execution.state }}}}"}}]
- description: Both conditions must hold
  conditions:
  - {{type: io.kestra.core.models.conditions.types.ExecutionStatusCondition, notIn: [KILLED]}}
  - {{type: {CONDITION}.Expression, expression: "{{{{ flow.id == 'flow' and execution.state != 'PAUSED' }}}}"}}
  tasks: [{{id: any, type: Work, script: x}}]
- tasks: [{{id: off, type: Work, script: x, disabled: true}}]
- tasks: [{{id: always, type: Sequential, tasks: [{{id: inner, type: Work, script: x}}]}}]
"""


def test_listeners_whose_conditions_hold_run_in_order_and_before_after_execution() -> None:
    assert Driven(FLOW).run().order() == ["a", "any", "always", "inner", "z"]
    failed = Driven(FLOW).run({"a": State.FAILED})
    assert failed.order() == ["a", "bad1", "bad2", "any", "always", "inner", "z"]
    assert failed.value("bad2") == "FAILED"
    assert failed.header.settled


def test_a_listener_that_fails_stops_itself_alone_and_changes_no_state() -> None:
    run = Driven(FLOW).run({"a": State.FAILED, "bad1": State.FAILED, "any": State.FAILED, "inner": State.FAILED})

    assert run.order() == ["a", "bad1", "any", "always", "inner", "z"]
    assert run["always"].state is State.FAILED
    assert run.state is State.FAILED
    assert run.header.settled
    good = Driven(FLOW).run({"any": State.FAILED})
    assert good.state is State.SUCCESS


def test_the_execution_has_ended_before_its_listeners_run() -> None:
    run = Driven(FLOW).create()
    run.work({})
    assert run.state is State.SUCCESS
    assert not run.header.settled
    assert run["any"].state is State.SUBMITTED


def test_a_killed_execution_runs_the_listeners_of_kills() -> None:
    run = Driven(FLOW).create()
    run.send(c.KillExecution())
    run.work({})
    assert run.state is State.KILLED
    assert "bad1" in run.states()
    assert "any" not in run.states()


def test_a_restart_forgets_what_listeners_ran() -> None:
    run = Driven(FLOW).run({"a": State.FAILED})
    run.send(c.RestartExecution())
    assert "bad1" not in run.states()
    run.go_on({})
    assert run.order()[-3:] == ["always", "inner", "z"]
    assert run.state is State.SUCCESS
    assert "bad1" not in run.states()


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("{type: C.ExecutionFlow, namespace: test, flowId: flow}", True),
        ("{type: C.ExecutionFlow, namespace: test, flowId: g}", False),
        ("{type: C.ExecutionNamespace, namespace: test}", True),
        ("{type: C.ExecutionLabels, labels: {team: x}}", False),
        ("{type: C.HasRetryAttempt, in: [FAILED]}", True),
        ("{type: C.HasRetryAttempt, in: [KILLED]}", False),
        ("{type: C.Not, conditions: [{type: C.ExecutionStatus, in: [SUCCESS]}]}", False),
        ("{type: C.Or, conditions: [{type: C.ExecutionStatus, in: [SUCCESS, WARNING]}]}", True),
        ("{type: C.ExecutionOutputs, expression: '{{ execution.outputs.o == 4 }}'}", True),
    ],
)
def test_conditions_are_about_the_execution_itself(condition: str, runs: bool) -> None:
    run = Driven(f"""
id: flow
namespace: test
tasks: [{{id: a, type: Work, script: x, retry: {{type: constant, interval: PT1S, maxAttempts: 2}}}}]
outputs: [{{id: o, type: INT, value: 4}}]
listeners: [{{conditions: [{condition.replace("C.", CONDITION + ".")}], tasks: [{{id: l, type: Log, message: x}}]}}]
""").run({"a": [State.FAILED, State.SUCCESS]})

    assert run.state is State.SUCCESS
    assert ("l" in run.states()) is runs


def test_a_condition_that_can_not_be_evaluated_fails_the_first_task_with_the_reason() -> None:
    run = Driven(f"""
id: flow
namespace: test
tasks: [{{id: a, type: Log, message: x}}]
listeners:
- conditions: [{{type: {CONDITION}.Expression, expression: "{{{{ nothing.here }}}}"}}]
  tasks: [{{id: l1, type: Log, message: x}}, {{id: l2, type: Log, message: x}}]
- tasks: [{{id: m, type: Log, message: x}}]
""").run()

    assert run.states() == {"a": State.SUCCESS, "l1": State.FAILED, "m": State.SUCCESS}
    assert run.state is State.SUCCESS
    assert run["l1"].error.startswith("conditions: expression: ")
    assert run.header.settled
