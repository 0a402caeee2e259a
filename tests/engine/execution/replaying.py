"""An execution that was driven by hand, replayed or restarted as another one."""

from __future__ import annotations

from typing import Any

from engine.execution import events as e
from engine.execution.carried import CarriedRun
from engine.execution.replay import replayed, restarted
from engine.flow.model import Flow
from engine.values import State
from tests.engine.execution.driven import Driven, Script, flow_of

LATER_MS = 5_000_000


def another(source: Driven, runs: tuple[CarriedRun, ...], flow: Flow, **fields: Any) -> Driven:
    run = Driven("tasks: [{id: t, type: Log, message: x}]", source.inputs, execution_id="another")
    run.flow = flow
    run.setting = type(run.setting)(flow=flow)
    run.now_ms = LATER_MS
    return run.create(resumes=True, carried=runs, parent_id=source.id, original_id=source.id, **fields)


def replay(source: Driven, task: str, script: Script | None = None, revision: str = "") -> Driven:
    flow = flow_of(revision) if revision else source.flow
    runs = replayed(source.flow, flow, source.past(), "another", source[task].id)
    return another(source, runs, flow).go_on(script)


def restart(source: Driven, script: Script | None = None, revision: str = "") -> Driven:
    flow = flow_of(revision) if revision else source.flow
    return another(source, restarted(source.flow, flow, source.past(), "another"), flow).go_on(script)


def anew(run: Driven) -> set[str]:
    """Return what began to run in this execution, by task or `task/value`, flowables left out."""
    began = {event.task_run_id for kind in (e.TaskRunCreated, e.TaskRunDecided) for event in run.of(kind)}
    began |= {event.task_run_id for event in run.of(e.TaskRunCarried) if event.state is State.RESTARTED}
    opened = {event.scope_id for event in run.of(e.ScopeOpened)}
    names = {r.id: f"{r.task}/{r.value}" if r.value is not None else r.task for r in run.runs.values()}
    return {names[id] for id in began - opened}


WORK = "type: Work, script: x"
UNTIL = f"""
tasks:
- id: until
  type: LoopUntil
  condition: "{{{{ outputs.b.n >= 3 }}}}"
  checkFrequency: {{interval: PT1H, maxIterations: 5}}
  tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]
- {{id: z, type: Return, format: "{{{{ outputs.until.iterationCount }}}}"}}
"""
