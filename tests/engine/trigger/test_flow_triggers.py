"""From a change of an execution to what it starts: the source's side, and what comes together at the listener's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.execution import commands as c
from engine.execution.events import ListenerFound
from engine.execution.outstanding import OUTSTANDING
from engine.execution.state import Telling
from engine.flow import parse_flow
from engine.machine import SendCommand
from engine.trigger import events as e
from engine.trigger.commands import NoteExecutionStarted, NoteUpstream
from engine.trigger.listeners import Listeners, listeners_of
from engine.trigger.react import OUTSTANDING as FIRINGS
from engine.values import State
from tests.engine.execution.driven import Driven
from tests.engine.trigger.driven import Triggers, flow_of, variables_of

FLOW = "io.kestra.plugin.core.trigger.Flow"
CONDITION = "io.kestra.plugin.core.condition."
TASKS = 'tasks: [{id: a, type: Return, format: "{{ execution.id }}"}]'


def listening(*flows: Any) -> Listeners:
    index = Listeners()
    for flow in flows:
        index.put(flow.namespace, flow.id, listeners_of(flow, 3))
    return index


def told(run: Driven) -> list[ListenerFound]:
    return [event for event in run.events if isinstance(event, ListenerFound)]


def started(run: Driven) -> list[tuple[str, c.CreateExecution]]:
    return [
        (effect.id, effect.command)
        for effect in run.effects
        if isinstance(effect, SendCommand) and isinstance(effect.command, c.CreateExecution)
    ]


def noted(run: Driven) -> list[NoteUpstream]:
    return [
        effect.command
        for effect in run.effects
        if isinstance(effect, SendCommand) and isinstance(effect.command, NoteUpstream)
    ]


ONE = f"""
- id: after
  type: {FLOW}
  inputs:
    from: "{{{{ outputs.a.value }}}}"
    all: "{{{{ trigger.outputs.o }}}}"
    own: "{{{{ vars.x }}}} {{{{ flow.id }}}}"
  labels: {{by: "{{{{ trigger.flowId }}}}"}}
  conditions: [{{type: {CONDITION}ExecutionStatus, in: [SUCCESS]}}]
"""


def test_a_success_starts_an_execution_of_the_flow_that_listens() -> None:
    index = listening(flow_of(ONE, "variables: {x: mine}"))
    outputs = 'outputs: [{id: o, type: STRING, value: "{{ outputs.a.value }}!"}]'
    run = Driven(f"labels: {{l.m: v}}\n{TASKS}\n{outputs}", listeners=index).run()

    ((execution_id, command),) = started(run)
    assert (command.namespace, command.flow_id, command.revision) == ("own", "listener", 3)
    inputs = msgspec.json.decode(command.inputs_json)
    assert inputs == {"from": "execution", "all": "execution!", "own": "mine listener"}
    assert command.labels == {"by": "flow", "system.correlationId": "execution"}
    trigger = variables_of(command)
    assert trigger["executionId"] == "execution" and trigger["state"] == "SUCCESS"
    assert trigger["executionLabels"] == {"l": {"m": "v"}} and trigger["outputs"] == {"o": "execution!"}
    assert (command.reply_kind, command.reply_id) == ("executions", "execution")
    assert told(run)[0].told_id == execution_id


def test_what_was_told_is_told_again_until_it_is_answered() -> None:
    run = Driven(TASKS, listeners=listening(flow_of(ONE))).run()
    ((execution_id, command),) = started(run)
    row = run.rows.rows[f"l/{execution_id}"]
    assert isinstance(row, Telling)
    waits = OUTSTANDING["l"](row)
    assert waits is not None and waits.effect == SendCommand(kind="executions", id=execution_id, command=command)

    run.send(c.NoteListenerReached(told_id=execution_id))
    again = run.send(c.NoteListenerReached(told_id=execution_id))

    assert f"l/{execution_id}" not in run.rows.rows
    assert again.events == ()


def test_whoever_was_asked_answers_each_time_and_is_created_once() -> None:
    run = Driven(TASKS, listeners=listening(flow_of(ONE))).run()
    ((execution_id, command),) = started(run)
    started_one = Driven(TASKS, execution_id=execution_id)

    first = started_one.send(command)
    second = started_one.send(command)

    answer = SendCommand(kind="executions", id="execution", command=c.NoteListenerReached(told_id=execution_id))
    assert answer in first.effects and second.effects == (answer,) and second.events == ()


@pytest.mark.parametrize(
    ("states", "expected"),
    [("[RUNNING, PAUSED, SUCCESS]", ["RUNNING", "PAUSED", "RUNNING", "SUCCESS"]), ("[CREATED, FAILED]", [])],
)
def test_each_change_of_state_counts_and_being_created_is_none(states: str, expected: list[str]) -> None:
    tasks = "tasks: [{id: p, type: Pause, pauseDuration: PT1S}, {id: a, type: Log, message: x}]"
    run = Driven(tasks, listeners=listening(flow_of(f"- {{id: after, type: {FLOW}, states: {states}}}"))).run()

    assert [variables_of(command)["state"] for _, command in started(run)] == expected
    assert len({execution_id for execution_id, _ in started(run)}) == len(expected)


def test_nobody_is_told_of_tests_and_of_what_their_conditions_exclude() -> None:
    index = listening(flow_of(ONE))
    failed = "tasks: [{id: a, type: Fail}]"

    assert not told(Driven(failed, listeners=index).run())
    assert not told(Driven(TASKS, listeners=index).create(kind="TEST").go_on())


def test_inputs_that_cannot_be_rendered_start_an_execution_that_fails_visibly() -> None:
    bad = f'- {{id: after, type: {FLOW}, inputs: {{x: "{{{{ outputs.nothing.value }}}}"}}}}'
    ((execution_id, command),) = started(Driven(TASKS, listeners=listening(flow_of(bad))).run())
    run = Driven(TASKS, execution_id=execution_id)

    run.send(command)

    assert run.header.state is State.FAILED and run.header.settled
    assert run.ended is not None and "Inputs or labels of trigger after can't be rendered" in run.ended.error


def test_many_listeners_are_told_in_several_steps() -> None:
    index = listening(*(flow_of(ONE, flow_id=f"listener{i:03d}") for i in range(120)))
    run = Driven(TASKS, listeners=index).run()

    assert len(started(run)) == 120
    assert max(sum(isinstance(event, ListenerFound) for event in step.events) for step in run.steps) == 50


def test_an_execution_without_listeners_reads_no_row_more() -> None:
    alone = Driven(TASKS, checked=False).run()
    beside = Driven(TASKS, checked=False, listeners=listening(flow_of(ONE))).run()
    unheard = Driven(TASKS, checked=False, listeners=Listeners()).run()

    assert unheard.rows.gets <= alone.rows.gets + 1
    assert told(beside)


# ---- what comes together --------------------------------------------------------------------------------------------

TWO = f"""
- id: both
  type: {FLOW}
  inputs: {{early: "{{{{ outputs.a.value }}}}", late: "{{{{ trigger.outputs | json }}}}"}}
  preconditions:
    id: p
    resetOnSuccess: RESETS
    timeWindow: {{type: SLIDING_WINDOW, window: PT1H}}
    flows:
      - {{namespace: test, flowId: one, states: [SUCCESS]}}
      - {{namespace: test, flowId: two, states: [SUCCESS]}}
"""
TOGETHER = flow_of(TWO.replace("RESETS", "true"))


def source(flow_id: str, execution_id: str, flow: Any = TOGETHER) -> NoteUpstream:
    """Return what an execution of another flow tells."""
    run = Driven(
        f"id: {flow_id}\nnamespace: test\n{TASKS}\noutputs: [{{id: {flow_id}, type: STRING, value: x}}]",
        execution_id=execution_id,
        listeners=listening(flow),
    )
    run.send(c.CreateExecution(namespace="test", flow_id=flow_id, revision=1))
    (note,) = noted(run)
    return note


def at(note: NoteUpstream, minutes: int) -> NoteUpstream:
    return msgspec.structs.replace(note, at_ms=minutes * 60_000)


def test_what_a_trigger_waits_for_starts_one_execution_once_it_has_come_together() -> None:
    triggers = Triggers(TOGETHER)

    triggers.send(source("one", "e1"))
    assert not triggers.created()
    triggers.send(source("two", "e2"))

    ((execution_id, command),) = triggers.created()
    trigger = variables_of(command)
    assert trigger["executionId"] == "e2" and trigger["outputs"] == {"one": "x", "two": "x"}
    inputs = msgspec.json.decode(command.inputs_json)
    assert inputs["early"] == "e2" and msgspec.json.decode(inputs["late"]) == {"one": "x", "two": "x"}
    assert (command.reply_kind, command.reply_id) == ("triggers", "own/listener")
    assert triggers.rows.rows.get("w/both") is None
    assert f"f/{execution_id}" in triggers.rows.rows


def test_each_telling_is_answered_and_counts_once() -> None:
    triggers = Triggers(TOGETHER)
    first, second = source("one", "e1"), source("two", "e2")
    triggers.send(first)
    triggers.send(second)

    again = [triggers.send(first), triggers.send(second)]

    assert [each.events for each in again] == [(), ()]
    for note, each in zip((first, second), again, strict=True):
        told = c.NoteListenerReached(told_id=note.told_id)
        assert each.effects == (SendCommand(kind="executions", id=note.execution_id, command=told),)
    assert len(triggers.created()) == 1


def test_what_was_asked_for_is_asked_for_again_until_it_exists() -> None:
    triggers = Triggers(TOGETHER)
    triggers.send(source("one", "e1"))
    triggers.send(source("two", "e2"))
    ((execution_id, command),) = triggers.created()
    waits = FIRINGS["f"](triggers.rows.rows[f"f/{execution_id}"])
    assert waits is not None and waits.effect == SendCommand(kind="executions", id=execution_id, command=command)

    triggers.send(NoteExecutionStarted(execution_id=execution_id))

    assert f"f/{execution_id}" not in triggers.rows.rows
    assert triggers.send(NoteExecutionStarted(execution_id=execution_id)).events == ()


def test_what_lies_too_far_apart_does_not_come_together() -> None:
    triggers = Triggers(TOGETHER)

    triggers.send(at(source("one", "e1"), 10))
    triggers.send(at(source("two", "e2"), 90))
    assert not triggers.created()
    triggers.send(at(source("one", "e3"), 149))

    assert len(triggers.created()) == 1


@pytest.mark.parametrize(("resets", "count"), [("true", 1), ("false", 2)])
def test_a_window_that_is_not_reset_fires_at_each_further_match(resets: str, count: int) -> None:
    flow = flow_of(TWO.replace("RESETS", resets))
    triggers = Triggers(flow)
    for flow_id, execution_id in (("one", "e1"), ("two", "e2"), ("one", "e3")):
        triggers.send(source(flow_id, execution_id, flow))

    assert len(triggers.created()) == count


def test_one_execution_may_meet_all_of_it() -> None:
    several = f"""
- id: m
  type: {FLOW}
  conditions:
    - type: {CONDITION}MultipleCondition
      id: x
      window: P1D
      conditions:
        flow: {{type: {CONDITION}ExecutionFlow, namespace: test, flowId: one}}
        state: {{type: {CONDITION}ExecutionStatus, in: [SUCCESS]}}
"""
    flow = flow_of(several)
    triggers = Triggers(flow)

    triggers.send(source("one", "e1", flow))

    assert len(triggers.created()) == 1


def test_inputs_that_cannot_be_rendered_at_the_end_fail_visibly() -> None:
    flow = flow_of(TWO.replace("RESETS", "true").replace("trigger.outputs | json", "trigger.nothing"))
    triggers = Triggers(flow)
    triggers.send(source("one", "e1", flow))
    triggers.send(source("two", "e2", flow))

    assert "can't be rendered" in triggers.created()[0][1].failure


def test_a_trigger_that_is_gone_answers_and_gathers_nothing() -> None:
    note = source("one", "e1")
    triggers = Triggers(flow_of(f"- {{id: other, type: {FLOW}}}"))

    done = triggers.send(note)

    assert done.effects and not triggers.of(e.UpstreamNoted)


def test_what_was_told_is_forgotten_after_a_while() -> None:
    triggers = Triggers(TOGETHER)
    triggers.send(source("one", "e1"))
    assert any(key.startswith("n/") for key in triggers.rows.rows)

    triggers.fire(triggers.now_ms + 2 * 86_400_000)

    assert not any(key.startswith("n/") for key in triggers.rows.rows)
    assert triggers.timers() == {}


def test_inputs_that_are_too_large_fail_visibly_before_they_travel() -> None:
    big = "{{ trigger.outputs.two | upper }}"
    several = "\n".join(f'    i{number}: "{big}{big}{big}"' for number in range(6))
    flow = flow_of(f"- id: both\n  type: {FLOW}\n  inputs:\n{several}\n  dependsOn: [{{flowId: one}}, {{flowId: two}}]")
    triggers = Triggers(flow)
    triggers.send(source("one", "e1", flow))
    note = source("two", "e2", flow)
    started = msgspec.json.decode(note.trigger_json)
    started["variables"]["outputs"] = {"two": "x" * 100_000}
    triggers.send(msgspec.structs.replace(note, trigger_json=msgspec.json.encode(started)))

    ((_, command),) = triggers.created()
    assert "Expected inputs of at most" in command.failure and len(command.inputs_json) == 2


@pytest.mark.parametrize(
    "trigger",
    [
        "{id: a, type: FLOW, states: [{a: b}, 7]}",
        "{id: a, type: FLOW, dependsOn: [x, {namespace: [1], flowId: {a: b}, states: [[]], labels: x}]}",
        "{id: a, type: FLOW, conditions: [x, {type: CONDITIONExecutionFlow, namespace: [], flowId: {}}]}",
        "{id: a, type: FLOW, conditions: [{type: CONDITIONExecutionLabels, labels: text}]}",
        "{id: a, type: FLOW, preconditions: [], window: 7, mode: [], minSatisfied: x}",
        "{id: a, type: FLOW, preconditions: {where: [{filters: [x, {field: [], type: {}, values: 7}]}]}}",
        "{id: a, type: FLOW, window: {deadline: 9, every: {}, timezone: []}, dependsOn: [{}]}",
    ],
)
def test_triggers_that_no_check_let_pass_do_no_harm(trigger: str) -> None:
    written = trigger.replace("FLOW", FLOW).replace("CONDITION", CONDITION)
    source = "id: odd\nnamespace: own\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: x}]\n"
    parsed = parse_flow(f"{source}triggers: [{written}]", strict=False)
    assert parsed.flow is not None

    Driven(TASKS, listeners=listening(parsed.flow)).run()
