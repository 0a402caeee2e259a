from __future__ import annotations

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import Setting
from engine.execution.step import step
from engine.values import State
from tests.engine.execution.driven import DictRows, Driven

ONE = "tasks: [{id: t, type: Return, format: x}]"


def test_an_execution_begins_and_ends_in_one_step() -> None:
    run = Driven(ONE).create()

    assert [type(event).__name__ for event in run.events] == [
        "ExecutionCreated",
        "ExecutionStateChanged",
        "ScopeOpened",
        "TaskRunDecided",
        "ExecutionEnded",
        "ExecutionSettled",
    ]
    assert run.header.settled


def test_creating_it_twice_changes_nothing() -> None:
    run = Driven(ONE).create()

    assert run.send(c.CreateExecution(namespace="other", flow_id="other", revision=9)).events == ()


def test_ids_follow_from_the_execution_and_are_its_own() -> None:
    one, same, other = Driven(ONE).run(), Driven(ONE).run(), Driven(ONE, execution_id="other").run()

    assert one["t"].id == same["t"].id
    assert one["t"].id != other["t"].id


def test_labels_of_the_flow_come_first_and_system_labels_of_it_do_not_count() -> None:
    source = f"id: flow\nnamespace: test\nlabels: {{a: flow, b: flow, system.readOnly: 'true'}}\n{ONE}\n"
    run = Driven(source).create(labels={"b": "request", "c": "request"})

    assert run.header.labels == {"a": "flow", "b": "request", "c": "request", "system.correlationId": "execution"}


def test_a_correlation_id_is_kept() -> None:
    run = Driven(ONE).create(labels={"system.correlationId": "root"})

    assert run.header.labels["system.correlationId"] == "root"


def test_the_original_is_the_execution_itself_unless_given() -> None:
    assert Driven(ONE).create().header.original_id == "execution"
    again = Driven(ONE).create(original_id="first", parent_id="second")
    assert (again.header.original_id, again.header.parent_id) == ("first", "second")


def test_an_unknown_flow_fails_visibly() -> None:
    rows = DictRows()
    command = c.CreateExecution(namespace="test", flow_id="gone", revision=3)
    done = step("x", rows, command, 1000, Setting(flow=None))

    created, ended, settled = done.events
    assert isinstance(created, e.ExecutionCreated)
    assert isinstance(ended, e.ExecutionEnded)
    assert ended.state is State.FAILED
    assert ended.error == "Flow test.gone revision 3 is not in the catalogue, or doesn't parse"
    assert isinstance(settled, e.ExecutionSettled)


def test_a_disabled_flow_fails_visibly() -> None:
    run = Driven(f"id: flow\nnamespace: test\ndisabled: true\n{ONE}\n").create()

    assert run.state is State.FAILED
    assert run.ended is not None
    assert run.ended.error == "Flow test.flow revision 1 is disabled"
    assert run.runs == {}


def test_a_scheduled_start_waits_for_its_time() -> None:
    run = Driven(ONE).create(schedule_ms=1_000_000 + 60_000)
    assert run.state is State.CREATED
    assert run.timers() == {"start/": 1_060_000}
    run.pass_ms(59_999)
    assert run.state is State.CREATED

    run.pass_ms(1)
    assert run.state is State.SUCCESS
    assert run["t"].times == [1_060_000]


def test_a_schedule_in_the_past_starts_at_once() -> None:
    assert Driven(ONE).create(schedule_ms=999_999).state is State.SUCCESS


def test_templates_read_inputs_variables_labels_trigger_and_the_execution() -> None:
    source = """
id: flow
namespace: test
variables: {v: flow, w: flow}
labels: {a.b: deep}
tasks:
- id: t
  type: OutputValues
  values:
    all: "{{ inputs.x.y }} {{ vars.v }} {{ vars.w }} {{ labels.a.b }} {{ trigger.date }} {{ envs.home }}"
    execution: "{{ execution.id }} {{ execution.startDate }} {{ execution.state }} {{ execution.originalId }}"
    flow: "{{ flow.id }} {{ flow.namespace }} {{ flow.revision }} {{ flow.tenantId }}"
    run: "{{ task.id }} {{ task.type }} {{ taskrun.startDate }} {{ taskrun.parentId ?? 'top' }}"
"""
    run = Driven(source, {"x": {"y": 1}}, variables={"envs": {"home": "/root"}})
    run.create(variables_json=b'{"v": "own"}', trigger_json=b'{"id": "t", "variables": {"date": "today"}}')

    outputs = run["t"].outputs
    assert outputs is not None
    assert outputs["values"] == {
        "all": "1 own flow deep today /root",
        "execution": "execution 1970-01-01T00:16:40.000Z RUNNING execution",
        "flow": "flow test 1 main",
        "run": "t io.kestra.plugin.core.output.OutputValues 1970-01-01T00:16:40.000Z top",
    }


def test_labels_are_changed_and_those_of_the_system_stay() -> None:
    run = Driven(ONE).create(labels={"a": "1"})
    run.send(c.UpdateLabels(labels={"b": "2"}))

    assert run.header.labels == {"b": "2", "system.correlationId": "execution"}
    assert run.send(c.UpdateLabels(labels={"b": "2"})).events == ()
    run.send(c.UpdateLabels(labels={"c": "3"}, over=True))
    assert run.header.labels == {"b": "2", "c": "3", "system.correlationId": "execution"}


def test_what_a_trigger_started_says_so_in_a_label() -> None:
    started = Driven(ONE).create(reply_kind="triggers", reply_id="test/flow")

    assert started.header.labels["system.from"] == "trigger"
    assert "system.from" not in Driven(ONE).create().header.labels


def test_commands_to_an_execution_that_does_not_exist_are_refused_or_nothing() -> None:
    rows, setting = DictRows(), Setting(flow=None)
    for command in (
        c.KillExecution(),
        c.PauseExecution(),
        c.ResumeExecution(),
        c.RestartExecution(),
        c.UpdateLabels(labels={}),
        c.ReportTaskEnded(task_run_id="t", epoch=1, worker_id="w", state=State.SUCCESS),
        c.AttemptLost(task_run_id="t", epoch=1, worker_id="w"),
        c.FireTimer(timer_id="start/", generation=1),
        c.AbandonExecution(error="x"),
    ):
        assert step("x", rows, command, 1, setting).events == ()


def test_abandoning_fails_it_and_says_why() -> None:
    run = Driven("tasks: [{id: t, type: Work, script: x}]").create()
    run.send(c.AbandonExecution(error="a bug"))

    assert run.state is State.FAILED
    assert run.ended is not None
    assert run.ended.error == "a bug"
    assert run.claim("t") is None, "its attempts don't start any more"
    assert Driven(ONE).run().send(c.AbandonExecution(error="late")).events == ()


def test_an_abandoned_execution_restarts_what_had_not_ended() -> None:
    run = Driven("tasks: [{id: a, type: Log, message: x}, {id: t, type: Work, script: x}]").create()
    run.send(c.AbandonExecution(error="a bug"))
    run.send(c.RestartExecution())
    run.go_on()

    assert run.state is State.SUCCESS
    assert run["t"].state is State.SUCCESS
