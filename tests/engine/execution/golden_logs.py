"""Recorded logs: the events of representative executions as JSON, and the rows that they fold to.

`python -m tests.engine.execution.golden_logs` records the ones that are missing. One that exists is what some version
of Penstock once wrote: it is rewritten only if it is named (`… golden_logs killed`), which is right as long as no
release has written such events.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.execution import commands as c
from engine.execution import events
from engine.execution.replay import replayed
from engine.flow import parse_flow
from engine.machine import Event
from engine.trigger.listeners import Listeners, listeners_of
from engine.values import State
from tests.engine.execution.driven import Driven
from tests.engine.execution.family import Family

FOLDER = Path(__file__).parents[2] / "golden" / "logs"


def happy() -> Driven:
    return Driven(
        """
id: flow
namespace: test
labels: {team: x}
tasks:
- {id: a, type: Work, script: x}
- {id: skipped, type: Log, message: x, runIf: "{{ false }}"}
- {id: b, type: Return, format: "{{ outputs.a.n }} {{ inputs.i }}"}
- {id: if, type: If, condition: "{{ outputs.a.n == 1 }}", then: [{id: c, type: Log, message: [x, y], level: WARN}]}
- {id: switch, type: Switch, value: "{{ inputs.i }}", cases: {one: [{id: d, type: Log, message: x}]}}
- {id: nap, type: Sleep, duration: PT2S}
finally: [{id: f, type: Log, message: x}]
afterExecution: [{id: z, type: Return, format: "{{ execution.outputs.o }}"}]
outputs: [{id: o, type: INT, value: "{{ outputs.a.n }}"}]
""",
        {"i": "one"},
    ).run({"a": {"n": 1}})


def failed_and_restarted() -> Driven:
    run = Driven("""
    tasks:
    - id: s
      type: Sequential
      retry: {type: constant, interval: PT5S, maxAttempts: 2}
      tasks:
      - {id: p, type: Parallel, concurrent: 2, tasks: [{id: a, type: Work, script: x}, {id: b, type: Fail}]}
      errors: [{id: e1, type: Sequential, tasks: [{id: e2, type: Return, format: x}]}]
      finally: [{id: f, type: Log, message: x}]
    errors: [{id: e3, type: AllowFailure, tasks: [{id: e4, type: Fail}]}]
    afterExecution: [{id: z, type: Work, script: x}]
    """).run({"a": [State.FAILED, State.WARNING]})
    run.send(c.RestartExecution())
    return run.go_on()


def loops() -> Driven:
    run = Driven("""
    tasks:
    - id: outer
      type: ForEach
      concurrencyLimit: 2
      values: [a/b, "50%", c]
      tasks:
      - id: each
        type: EachParallel
        value: "[1, 2]"
        tasks: [{id: t, type: Work, script: x}, {id: u, type: Return, format: x}]
      - {id: af, type: AllowFailure, tasks: [{id: ko, type: Fail}]}
      - {id: out, type: Return, format: "{{ outputs.u[taskrun.value]['2'].value }}"}
    - {id: all, type: Return, format: "{{ outputs.out | keys }}"}
    """).run({"t": [{"n": 1}, State.SUCCESS, State.SUCCESS, State.FAILED, State.SUCCESS]})
    run.send(c.RestartExecution())
    return run.go_on()


def loop_in_steps() -> Driven:
    return Driven("""
    tasks: [{id: each, type: ForEach, values: "{{ range(1, 110) }}", tasks: [{id: t, type: Log, message: x}]}]
    """).run()


def paused() -> Driven:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: ask, type: Pause, tasks: [{id: t, type: Return, format: "{{ outputs.ask.onResume.x }}"}]}
      - {id: timed, type: Pause, pauseDuration: PT5S, behavior: WARN}
      - {id: late, type: Pause, timeout: PT9S, allowFailure: true}
      - {id: s, type: Sequential, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}
    """).create(schedule_ms=1_500_000)
    run.pass_ms(500_000)
    run.send(c.ResumeExecution(inputs_json=b'{"x": 1}', task_run_id=run["ask"].id))
    run.pass_ms(10_000)
    run.waiting.clear()
    return run


def held() -> Driven:
    run = Driven("""
    tasks:
    - {id: a, type: Work, script: x, timeout: PT1M}
    - {id: b, type: Work, script: x, retry: {type: constant, interval: PT1S, maxAttempts: 3}}
    """).create(labels={"by": "hand"})
    run.send(c.PauseExecution())
    run.go_on()
    run.send(c.UpdateLabels(labels={"by": "foot"}))
    run.send(c.ResumeExecution())
    run.go_on({"b": [State.FAILED, {"n": 2}]})
    return run


def killed() -> Driven:
    run = Driven("""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {id: a, type: Work, script: x}
      - {id: b, type: Work, script: x}
      - {id: c, type: Work, script: x}
      - {id: d, type: Sleep, duration: PT1H}
      - {id: e, type: ForEach, values: [1, 2], tasks: [{id: t, type: Work, script: x}]}
    afterExecution: [{id: z, type: Log, message: x}]
    """).create()
    run.claim("a")
    run.claim("b")
    run.send(c.KillExecution())
    run.report("a", {"n": 1})
    return run.go_on()


def killed_and_restarted() -> Driven:
    run = Driven("""
    tasks:
    - {id: ask, type: Pause, pauseDuration: PT1H}
    - {id: each, type: ForEach, values: [1, 2], tasks: [{id: t, type: Work, script: x}]}
    """).create()
    run.send(c.KillExecution())
    run.send(c.RestartExecution())
    run.send(c.ResumeExecution())
    run.work({})
    run.send(c.KillExecution())
    run.send(c.RestartExecution())
    return run.go_on()


def lost() -> Driven:
    run = Driven("""
    tasks: [{id: dag, type: Dag, tasks: [{task: {id: a, type: Work, script: x}},
      {task: {id: b, type: Work, script: x}, dependsOn: [a]}, {task: {id: c, type: Log, message: x}, dependsOn: [b]}]}]
    """).create()
    run.claim("a", "w1")
    run.lose("a", "w1")
    run.claim("a", "w2")
    run.lose("a", "w2", started=False)
    return run.go_on()


def updated_and_exited() -> Driven:
    return Driven("""
id: flow
namespace: test
variables: {a: {b: 1}, c: 2}
tasks:
- {id: labels, type: Labels, labels: {x: y}}
- {id: set, type: SetVariables, variables: {a: {d: 3}}}
- {id: unset, type: UnsetVariables, variables: [c]}
- id: p
  type: Parallel
  tasks:
  - {id: t, type: Work, script: x}
  - {id: nap, type: Sleep, duration: PT1H}
  - {id: s, type: Sequential, tasks: [{id: out, type: Exit, state: WARNING}, {id: never, type: Fail}]}
- {id: never2, type: Fail}
""").run()


def turns() -> Driven:
    return Driven("""
    tasks:
    - id: loop
      type: LoopUntil
      condition: "{{ outputs.t.n == 2 }}"
      checkFrequency: {interval: PT5S, maxIterations: 5}
      tasks: [{id: t, type: Work, script: x}, {id: u, type: Return, format: "{{ outputs.loop.iterationCount }}"}]
    - {id: never, type: LoopUntil, condition: "false", failOnMaxReached: true,
       checkFrequency: {maxIterations: 1}, tasks: [{id: x, type: Log, message: x}]}
    """).run({"t": [{"n": 1}, {"n": 2}]})


def asked() -> Driven:
    run = Driven("""
    tasks:
    - {id: t, type: Work, script: x, runIf: "{{ kv('go') }}"}
    - {id: if, type: If, condition: "{{ kv('k') }}", then: [{id: u, type: Log, message: x}]}
    - {id: p, type: Pause, pauseDuration: "{{ kv('d') }}"}
    - {id: loop, type: LoopUntil, condition: "{{ kv('r') }}", tasks: [{id: v, type: Log, message: x}]}
    """)
    return run.run(
        {
            "t": [{"rendered": ["true"]}, {"n": 1}],
            "if": {"rendered": ["true"]},
            "p": {"rendered": ["PT1S"]},
            "loop": [{"rendered": ["false"]}, {"rendered": ["true"]}],
        }
    )


def replayed_from_another() -> Driven:
    source = """
    variables: {v: 1}
    tasks:
    - {id: loop, type: ForEach, values: [1, 2], tasks: [{id: a, type: Work, script: x}]}
    - {id: p, type: Pause, tasks: [{id: b, type: Return, format: x}]}
    - {id: until, type: LoopUntil, condition: "{{ outputs.c.n == 2 }}", tasks: [{id: c, type: Work, script: x}]}
    - {id: parallel, type: Parallel, tasks: [{id: d, type: Work, script: x}, {id: f, type: Work, script: x}]}
    """
    old = Driven(source).run({"a": {"n": 1}, "c": [{"n": 1}, {"n": 2}], "d": State.FAILED})
    old.send(c.ResumeExecution())
    old.go_on({"c": [{"n": 1}, {"n": 2}], "d": State.FAILED})
    new = Driven(source, execution_id="another")
    carried = replayed(old.flow, new.flow, old.past(), "another", old.all("c")[1].id)
    old.send(c.MarkReplayed())
    return new.create(
        original_id=old.id,
        parent_id=old.id,
        resumes=True,
        carried=carried,
        variables_json=b'{"w":2}',
        variables_whole=True,
    ).go_on({"c": {"n": 2}})


def listened() -> Driven:
    """Two flows listen; one has answered."""
    listeners = Listeners()
    for flow_id in ("first", "second"):
        source = f"""
id: {flow_id}
namespace: other
tasks: [{{id: t, type: io.kestra.plugin.core.log.Log, message: x}}]
triggers:
- id: after
  type: io.kestra.plugin.core.trigger.Flow
  states: [SUCCESS]
  inputs: {{n: "{{{{ outputs.a.value }}}}"}}
"""
        flow = parse_flow(source).flow
        assert flow is not None
        listeners.put("other", flow_id, listeners_of(flow, 4))
    run = Driven("tasks: [{id: a, type: Return, format: x}]", listeners=listeners).run()
    run.send(c.NoteListenerReached(told_id=next(e.told_id for e in run.events if isinstance(e, events.ListenerFound))))
    return run


def started_by_a_trigger() -> Driven:
    """Its trigger has heard of the end."""
    run = Driven('tasks: [{id: a, type: Return, format: "{{ trigger.date }}"}]')
    started = b'{"id":"tick","type":"Schedule","variables":{"date":"2026-03-06T12:00:00Z"}}'
    run.create(trigger_json=started, reply_kind="triggers", reply_id="test/flow", reply_end=True).go_on()
    run.send(c.NoteStarterHeard())
    return run


def restated() -> Driven:
    run = Driven("""
    tasks:
    - id: loop
      type: ForEach
      values: [1, 2]
      tasks:
      - {id: s, type: Sequential, tasks: [{id: a, type: Work, script: x}, {id: b, type: Work, script: x}]}
    errors: [{id: e, type: Log, message: x}]
    """).run({"a": State.FAILED})
    run.send(c.ChangeTaskRunState(task_run_id=run["a"].id, state=State.WARNING))
    return run.go_on()


FAMILY = (
    """
id: parent
namespace: test
tasks:
- {id: call, type: Subflow, namespace: test, flowId: child, outputs: {v: "{{ outputs.r.value }}"}}
- {id: both, type: Parallel, tasks: [
    {id: later, type: Subflow, namespace: test, flowId: child, wait: false},
    {id: long, type: Subflow, namespace: test, flowId: child}]}
""",
    """
id: child
namespace: test
retry: {type: constant, interval: PT1S, maxAttempts: 2, behavior: CREATE_NEW_EXECUTION}
tasks: [{id: r, type: Return, format: x}, {id: w, type: Work, script: x}]
""",
)


def _calling() -> Family:
    family = Family(*FAMILY)
    family.create()
    family.go_on({"w": [State.FAILED, State.FAILED, State.SUCCESS]})
    family.parent.send(c.RestartExecution())
    family.go_on()
    return family


def calling() -> Driven:
    return _calling().parent


def called() -> Driven:
    return _calling().children[1]


def batched() -> Driven:
    parent = """
id: parent
namespace: test
tasks:
- {id: each, type: io.kestra.plugin.core.flow.ForEachItem, items: "kestra:///f", namespace: test, flowId: child}
"""
    family = Family(parent, FAMILY[1].replace("retry:", "variables:"))
    family.create()
    split = {"splits": "kestra:///s", "count": 3, "base": "kestra:///b/", "suffix": ""}
    family.go_on({"each_split": split, "w": [State.FAILED, State.SUCCESS]})
    family.parent.send(c.RestartExecution())
    family.go_on()
    return family.parent


def giving_up() -> Driven:
    family = Family(*FAMILY)
    family.create()
    family.deliver()
    family.parent.send(c.KillExecution())
    family.go_on()
    return family.parent


def toggled() -> Driven:
    """Of two triggers that it turns off or on, one has answered."""
    toggle = "io.kestra.plugin.core.trigger.Toggle"
    run = Driven(f"""
    id: flow
    namespace: test
    tasks:
    - {{id: own, type: {toggle}, trigger: tick, enabled: true}}
    - {{id: other, type: {toggle}, namespace: n, flowId: f, trigger: "{{{{ task.id }}}}"}}
    """).run()
    told_id = next(e.told_id for e in run.events if isinstance(e, events.TriggerSwitchAsked))
    run.send(c.NoteListenerReached(told_id=told_id))
    return run


def abandoned() -> Driven:
    run = Driven("tasks: [{id: a, type: Log, message: x}, {id: t, type: Work, script: x}]").create()
    run.claim("t")
    run.send(c.AbandonExecution(error="a bug"))
    return run


def queued() -> Driven:
    run = Driven("""
    concurrency: {limit: 2, behavior: FAIL}
    tasks: [{id: t, type: Work, script: x}]
    """).create()
    for number, answers in ((1, ["QUEUED", "GRANTED"]), (2, ["RETURNED", "REFUSED"]), (3, ["QUEUED"])):
        for answer in answers:
            run.send(c.AnswerSlot(scope="test/flow", number=number, answer=c.SlotAnswer(answer)))
        run.go_on({"t": State.FAILED})
        run.send(c.RestartExecution() if number < 3 else c.ForceRunExecution())
    run.send(c.KillExecution())
    return run.go_on()


def violated() -> Driven:
    run = Driven("""
    sla:
    - {id: named, type: EXECUTION_ASSERTION, assert: "{{ execution.id == 1 }}", behavior: NONE, labels: {odd: name}}
    - {id: late, type: MAX_DURATION, duration: PT10S, behavior: CANCEL}
    tasks: [{id: p, type: Parallel, tasks: [{id: t, type: Work, script: x}, {id: nap, type: Sleep, duration: PT1H}]}]
    afterExecution: [{id: z, type: Log, message: x}]
    """).create()
    run.claim("t")
    return run.go_on()


def recalled() -> Driven:
    run = Driven("""
    tasks:
    - {id: t, type: Work, script: x}
    - {id: each, type: ForEach, values: [1, 2], tasks: [{id: u, type: Return, format: x}]}
    errors: [{id: e, type: Log, message: x}]
    """).run({"t": {"n": 1}})
    run.send(c.ChangeTaskRunState(task_run_id=run["t"].id, state=State.FAILED))
    return run.go_on()


def deleted() -> Driven:
    run = Driven("tasks: [{id: a, type: Work, script: x}]").run({"a": {"n": 1}})
    run.send(c.DeleteExecution())
    return run


RECORDED: dict[str, Callable[[], Driven]] = {
    made.__name__: made
    for made in (
        happy,
        failed_and_restarted,
        loops,
        loop_in_steps,
        paused,
        held,
        killed,
        killed_and_restarted,
        lost,
        updated_and_exited,
        turns,
        asked,
        replayed_from_another,
        restated,
        listened,
        started_by_a_trigger,
        toggled,
        abandoned,
        queued,
        violated,
        calling,
        called,
        giving_up,
        batched,
        recalled,
        deleted,
    )
}


def flat(row_or_event: msgspec.Struct) -> dict[str, Any]:
    """Return a row or an event as JSON that a person can compare; fields of an event at their default are left out."""
    fields = {name: getattr(row_or_event, name) for name in row_or_event.__struct_fields__}
    if isinstance(row_or_event, Event):
        defaults = {field.name: field.default for field in msgspec.structs.fields(type(row_or_event))}
        fields = {name: value for name, value in fields.items() if value != defaults[name]}
    plain = {name: value.decode() if isinstance(value, bytes) else value for name, value in fields.items()}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({"@type": type(row_or_event).__name__, **plain}))
    return found


def event_of(recorded: dict[str, Any]) -> Event:
    """Return a recorded event."""
    kind: type[Event] = getattr(events, recorded["@type"])
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(
        **{
            name: value.encode() if fields[name] is bytes else msgspec.convert(value, fields[name])
            for name, value in recorded.items()
            if name != "@type"
        }
    )


def write(names: list[str]) -> None:
    """Record what is missing, and what is named again."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, made in RECORDED.items():
        path = FOLDER / f"{name}.json"
        if path.exists() and name not in names:
            continue
        run = made()
        log = {
            "events": [flat(event) for event in run.events],
            "rows": {key: flat(row) for key, row in sorted(run.rows.rows.items())},
        }
        text = json.dumps(log, ensure_ascii=False).replace('{"@type"', '\n{"@type"')
        text = text.replace(", \n", ",\n").replace(', "rows"', ',\n"rows"')
        path.write_text(text + "\n", "utf-8")
        print(f"recorded {path.name}: {len(run.events)} events")


if __name__ == "__main__":
    write(sys.argv[1:])
