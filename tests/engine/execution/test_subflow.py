"""Executions that start others: asked for, accepted, ended, killed, restarted; each message twice, late or lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.job import Job
from engine.seals import seal
from engine.slots.commands import AcquireSlot
from engine.values import State
from tests.engine.execution.family import Family

PARENT = """
id: parent
namespace: test
labels: {own: parent}
inputs: [{id: name, type: STRING, defaults: you}]
tasks:
  - {id: call, type: Subflow, namespace: test, flowId: child, inputs: {name: "{{ inputs.name }}", count: "3"}EXTRA}
  - {id: after, type: Return, format: "{{ outputs.call.outputs.greeting }}"}
"""
CHILD = """
id: child
namespace: test
labels: {own: child}
inputs:
  - {id: name, type: STRING}
  - {id: count, type: INT, defaults: 1}
  - {id: more, type: INT, defaults: 7}
tasks:
  - {id: work, type: Work, script: "true"}
  - {id: greet, type: Return, format: "hello {{ inputs.name }} {{ inputs.count + inputs.more }}"}
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.greet.value }}"}
"""


def parent(extra: str = "") -> str:
    """Return the calling flow, with further properties of its Subflow."""
    return PARENT.replace("EXTRA", f", {extra}" if extra else "")


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every message twice"])
def test_a_subflow_waits_for_the_child_and_has_its_outputs(twice: bool) -> None:
    family = Family(parent(), CHILD, twice=twice).run()

    assert (family.parent.state, family.child.state) == (State.SUCCESS, State.SUCCESS)
    assert family.parent["call"].outputs == {
        "executionId": family.child.id,
        "state": "SUCCESS",
        "outputs": {"greeting": "hello you 10"},
    }
    assert family.parent.value("after") == "hello you 10"
    assert family.parent["call"].attempts == 1


def test_the_child_knows_who_called_it() -> None:
    family = Family(parent("labels: {task: label}, inheritLabels: true"), CHILD).run()
    created: e.ExecutionCreated = family.child.of(e.ExecutionCreated)[0]

    assert created.labels == {"own": "parent", "task": "label", "system.correlationId": "parent"}
    assert msgspec.json.decode(created.trigger_json) == {
        "id": "call",
        "type": "io.kestra.plugin.core.flow.Subflow",
        "variables": {
            "executionId": "parent",
            "namespace": "test",
            "flowId": "parent",
            "flowRevision": 1,
            "taskRunId": family.parent["call"].id,
            "taskId": "call",
        },
    }


def test_without_inheritance_the_child_has_its_own_labels_and_those_of_the_task() -> None:
    family = Family(parent("labels: {task: label}"), CHILD).run()
    created: e.ExecutionCreated = family.child.of(e.ExecutionCreated)[0]

    assert created.labels == {"own": "child", "task": "label", "system.correlationId": "parent"}


@pytest.mark.parametrize(
    ("end", "extra", "state"),
    [
        (State.FAILED, "", State.FAILED),
        (State.WARNING, "", State.WARNING),
        (State.FAILED, "transmitFailed: false", State.SUCCESS),
        (State.FAILED, "allowFailure: true", State.WARNING),
    ],
)
def test_the_end_of_the_child_becomes_that_of_the_task_unless_it_is_not_to(
    end: State, extra: str, state: State
) -> None:
    family = Family(parent(extra), CHILD).run({"work": end})

    assert family.child.state is end
    assert family.parent["call"].state is state
    assert (family.parent["call"].outputs or {})["state"] == end


def test_templates_of_the_caller_are_rendered_with_the_variables_of_the_child() -> None:
    family = Family(
        PARENT.replace("EXTRA", ", outputs: {g: '{{ outputs.greet.value }}', n: '{{ flow.id }}'}").replace(
            "outputs.call.outputs.greeting", "outputs.call.outputs.g"
        ),
        CHILD,
    ).run()

    assert (family.parent["call"].outputs or {})["outputs"] == {"g": "hello you 10", "n": "child"}


def test_templates_that_the_child_cannot_render_fail_the_caller_though_the_child_succeeded() -> None:
    family = Family(parent("outputs: {g: '{{ outputs.nothing.value }}'}"), CHILD).run()

    assert (family.parent["call"].state, family.child.state) == (State.FAILED, State.SUCCESS)
    assert "can't be rendered" in family.parent["call"].error


def test_a_subflow_that_does_not_wait_ends_when_the_child_exists() -> None:
    family = Family(parent("wait: false").replace("{{ outputs.call.outputs.greeting }}", "x"), CHILD)
    family.run({"work": Exception("later")})

    assert (family.parent.state, family.child.state) == (State.SUCCESS, State.FAILED)
    assert (family.parent["call"].outputs or {})["executionId"] == family.child.id


@pytest.mark.parametrize(
    ("flows", "says"),
    [
        ([], "test.child is not in the catalogue"),
        ([CHILD + "disabled: true\n"], "is disabled"),
        ([CHILD.replace("id: more, type: INT, defaults: 7", "id: more, type: INT")], "`more`: missing required input"),
    ],
    ids=["missing", "disabled", "an input missing"],
)
@pytest.mark.parametrize("twice", [False, True])
def test_a_child_that_cannot_run_is_never_created_and_fails_the_task(flows: list[str], says: str, twice: bool) -> None:
    family = Family(parent(), *flows, twice=twice).run()

    assert family.children == []
    assert family.parent["call"].state is State.FAILED
    assert says in family.parent["call"].error


def test_a_retry_calls_another_child() -> None:
    family = Family(parent("retry: {type: constant, interval: PT1S, maxAttempts: 3}"), CHILD)
    family.run({"work": [State.FAILED, State.FAILED, State.SUCCESS]})

    assert [child.state for child in family.children] == [State.FAILED, State.FAILED, State.SUCCESS]
    assert family.parent.state is State.SUCCESS
    assert family.parent["call"].attempts == 3


@pytest.mark.parametrize("twice", [False, True])
def test_a_restart_restarts_the_child_that_failed(twice: bool) -> None:
    family = Family(parent(), CHILD, twice=twice).run({"work": State.FAILED})
    assert family.parent.state is State.FAILED

    family.parent.send(c.RestartExecution())
    family.go_on()

    assert family.parent.state is State.SUCCESS
    assert family.child.all("work")[0].attempts == 2
    assert family.parent["call"].outputs == {
        "executionId": family.child.id,
        "state": "SUCCESS",
        "outputs": {"greeting": "hello you 10"},
    }


def test_a_restart_calls_a_new_child_where_that_is_wanted() -> None:
    family = Family(parent("restartBehavior: NEW_EXECUTION"), CHILD).run({"work": State.FAILED})

    family.parent.send(c.RestartExecution())
    family.go_on()

    assert [child.state for child in family.children] == [State.FAILED, State.SUCCESS]
    assert family.parent.state is State.SUCCESS


def test_a_restart_hears_of_a_child_that_a_person_restarted_in_the_meantime() -> None:
    family = Family(parent(), CHILD).run({"work": State.FAILED})
    family.child.send(c.RestartExecution())
    family.go_on()
    assert family.parent.state is State.FAILED

    family.parent.send(c.RestartExecution())
    family.go_on()

    assert family.parent.state is State.SUCCESS
    assert family.child.all("work")[0].attempts == 2


def test_the_caller_hears_of_a_child_that_gets_no_slot() -> None:
    family = Family(parent(), CHILD + "concurrency: {limit: 1, behavior: CANCEL}\n").run()
    asked = next(effect.command for effect in family.child.effects if getattr(effect, "kind", "") == "slots")
    assert isinstance(asked, AcquireSlot)

    refusal = c.AnswerSlot(scope="test/child", number=asked.number, answer=c.SlotAnswer.REFUSED)
    family.child.send(refusal)
    family.go_on()

    assert (family.parent.state, family.child.state) == (State.CANCELLED, State.CANCELLED)


def test_a_kill_reaches_the_child() -> None:
    family = Family(parent(), CHILD)
    began(family)

    family.parent.send(c.KillExecution())
    family.go_on()

    assert (family.parent.state, family.child.state) == (State.KILLED, State.KILLED)


def test_a_child_that_is_created_after_the_kill_is_killed_too() -> None:
    family = Family(parent(), CHILD)
    family.losing = True
    family.run()
    family.parent.send(c.KillExecution())
    family.deliver()
    family.losing = False
    create, kill = family.lost

    family.hand(kill)
    family.hand(create)
    while family.deliver():
        pass

    assert family.parent.state is State.KILLED
    assert family.child.state is State.KILLED
    sent = len(family.parent.effects)
    family.say_again()
    assert len(family.parent.effects) == sent, "something is outstanding"


def test_a_timeout_kills_the_child() -> None:
    family = Family(parent("timeout: PT10S"), CHILD)
    began(family)

    family.go_on()

    assert family.parent["call"].state is State.FAILED
    assert "Timeout" in family.parent["call"].error
    assert family.child.state is State.KILLED


@pytest.mark.parametrize("losses", range(1, 6))
def test_whatever_message_is_lost_is_said_again(losses: int) -> None:
    family = Family(parent(), CHILD)
    sent = 0
    deliver = family.hand

    def lose_one(effect: Any) -> None:
        nonlocal sent
        sent += 1
        if sent != losses:
            deliver(effect)

    family.hand = lose_one  # type: ignore[method-assign]
    family.run()
    family.say_again()
    family.go_on()

    assert family.parent.state is State.SUCCESS
    assert family.child.all("work")[0].attempts == 1


def test_nothing_is_outstanding_when_all_has_ended() -> None:
    family = Family(parent(), CHILD).run()
    before = len(family.parent.effects), len(family.child.effects)

    family.say_again()

    assert (len(family.parent.effects), len(family.child.effects)) == before


@pytest.mark.parametrize(
    ("script", "knows"), [("{{ outputs.call.outputs.greeting }}", True), ("{{ outputs.other }}", False), ("x", False)]
)
def test_a_worker_learns_whom_the_tasks_called_whose_outputs_it_reads(script: str, knows: bool) -> None:
    family = Family(
        parent().replace(
            '{id: after, type: Return, format: "{{ outputs.call.outputs.greeting }}"}',
            f'{{id: after, type: Work, script: "{script}"}}',
        ),
        CHILD,
    )
    jobs: list[Job] = []

    def look(job: Job) -> State:
        jobs.append(job)
        return State.SUCCESS

    family.run({"after": look})

    assert jobs[0].children == ((family.child.id,) if knows else ())


SEALED = seal("MDEyMzQ1Njc4OWFiY2RlZg==", "hush", 1)
SECRETIVE = """
id: parent
namespace: test
inputs: [{id: pw, type: SECRET}, {id: db.pw, type: SECRET}]
tasks: [{id: call, type: Subflow, namespace: test, flowId: child, inputs: {pw: "VALUE"}}]
"""
SECRET_CHILD = "id: child\nnamespace: test\ninputs: [{id: pw, type: KIND}]\ntasks: [{id: t, type: Log, message: x}]\n"


def secretive(value: str, kind: str = "SECRET") -> Family:
    family = Family(SECRETIVE.replace("VALUE", value), SECRET_CHILD.replace("KIND", kind))
    family.parent.inputs = {"pw": SEALED, "db": {"pw": SEALED}}
    return family.run()


@pytest.mark.parametrize("value", ["{{ inputs.pw }}", "{{inputs.db.pw}}", "{{- inputs.pw -}}"])
def test_a_secret_is_passed_on_sealed(value: str) -> None:
    family = secretive(value)

    assert family.parent.state is State.SUCCESS
    assert msgspec.json.decode(family.child.of(e.ExecutionCreated)[0].inputs_json) == {"pw": SEALED}


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        ("{{ inputs.pw | upper }}", "SECRET", "would be written to the log"),
        ("x{{ inputs.pw }}", "STRING", "would be written to the log"),
        ("{{ inputs.pw }}", "STRING", "only a SECRET input takes one"),
        ("plain", "SECRET", "Expected an encrypted value"),
    ],
)
def test_a_secret_never_becomes_plain_text(value: str, kind: str, says: str) -> None:
    family = secretive(value, kind)

    assert family.children == []
    assert says in family.parent["call"].error
    assert family.parent.waiting == []


def test_outputs_say_which_execution_is_running() -> None:
    family = Family(parent(), CHILD)
    began(family)

    assert family.parent["call"].outputs == {"executionId": family.child.id}


def began(family: Family) -> None:
    """Let the child begin, and its worker take its time."""
    family.create()
    for _ in range(4):
        family.deliver()
    family.child.claim(family.child.waiting.pop(0))
