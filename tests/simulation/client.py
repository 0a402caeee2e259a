"""What simulated clients ask of executions. Replays are made of what the log tells, as the views are."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from typing import Any

from msgspec.structs import replace

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.past import Ran
from engine.execution.replay import replayed
from engine.flow import parse_flow
from engine.flow.model import Flow
from engine.values import State
from tests.simulation.flows import FLOWS
from topics.messages import Step

REPLAY = "replay"
AGAIN = "again"
"""Send the creation once more."""


def wish(rnd: random.Random, task_run_ids: list[str]) -> Any:
    """Return a command to an execution that has these task runs, or one of the words above."""
    ends = [State.SUCCESS, State.WARNING, State.FAILED]
    restated = c.ChangeTaskRunState(task_run_id=rnd.choice([*task_run_ids, "nobody"]), state=rnd.choice(ends))
    return rnd.choice(
        [
            c.KillExecution(),
            c.PauseExecution(),
            c.ResumeExecution(),
            c.RestartExecution(),
            c.ForceRunExecution(),
            restated,
            c.ChangeExecutionState(state=rnd.choice([State.SUCCESS, State.FAILED])),
            c.UpdateLabels(labels={"a": str(rnd.random())}),
            AGAIN,
            REPLAY,
        ]
    )


def replay_of(steps: Iterable[Step], flow_id: str, id: str, rnd: random.Random) -> c.CreateExecution | None:
    """Return the command that replays an execution from one of its task runs; None if it has none yet."""
    runs = _task_runs(event for step in steps for event in step.events)
    if not runs:
        return None
    flow = _flow(flow_id)
    carried = replayed(flow, flow, runs.values(), id, rnd.choice(sorted(runs)))
    return c.CreateExecution(namespace="sim", flow_id=flow_id, revision=1, resumes=True, carried=carried, request=id)


@cache
def _flow(flow_id: str) -> Flow:
    flow = parse_flow(FLOWS[flow_id]).flow
    assert flow is not None
    return flow


def _task_runs(events: Iterable[Any]) -> dict[str, Ran]:
    runs: dict[str, Ran] = {}
    for event in events:
        id = getattr(event, "task_run_id", None) or (event.scope_id if isinstance(event, e.ScopeOpened) else None)
        if isinstance(event, e.TaskRunCreated | e.TaskRunDecided | e.TaskRunCarried):
            assert id is not None
            began = 0 if event.state is State.CREATED else 1
            runs[id] = Ran(
                id=id,
                task_id=event.task_id,
                state=event.state,
                parent_id=event.parent_id,
                value=event.value,
                iteration=event.iteration,
                attempts=getattr(event, "attempts", began),
                outputs_json=getattr(event, "outputs_json", b""),
            )
        elif isinstance(event, e.TaskRunRemoved):
            _forget(runs, event.task_run_id)
        elif id in runs:
            run = runs[id]
            runs[id] = replace(
                run,
                state=getattr(event, "state", run.state),
                attempts=event.epoch if isinstance(event, e.TaskRunStarted) else run.attempts,
                outputs_json=getattr(event, "outputs_json", b"") or run.outputs_json,
            )
    return runs


def _forget(runs: dict[str, Ran], id: str) -> None:
    runs.pop(id, None)
    for below in [run.id for run in runs.values() if run.parent_id == id]:
        _forget(runs, below)
