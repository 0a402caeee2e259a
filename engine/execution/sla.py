"""What a flow promises of its executions (`sla`): how long they take, and what holds of them at any time.

Owns when that is looked at and what a broken promise brings. Each promise is broken once for each run of an execution
(a restart is another one). An assertion that can't be rendered yet, or that asks the world, breaks nothing.
"""

from __future__ import annotations

from engine import expression
from engine.conditions import holds
from engine.execution import events as e
from engine.execution.conclusion import end_execution, settle
from engine.execution.draft import ExecutionDraft
from engine.execution.slot import awaits_slot
from engine.execution.state import ROOT
from engine.execution.stopping import break_off
from engine.execution.variables import Renderer
from engine.flow.model import Sla
from engine.values import State

ENDS = {"FAIL": State.FAILED, "CANCEL": State.CANCELLED}


def watch(draft: ExecutionDraft) -> None:
    """Begin to measure how long the execution takes; waiting for a slot counts, waiting for its time doesn't."""
    for index, sla in enumerate(draft.flow.sla):
        if sla.duration_ms is not None:
            draft.set_timer(f"sla/{index}", draft.at_ms + max(sla.duration_ms, 0))


def overdue(draft: ExecutionDraft, index: int) -> None:
    """Note that an execution has taken as long as it may."""
    sla = draft.flow.sla[index]
    if not draft.header.ended_ms:
        _broken(draft, index, sla, f"it isn't over after {sla.duration_ms} ms")


def judge(draft: ExecutionDraft) -> None:
    """See whether the flow's assertions hold, if something has happened since the last look."""
    plan = draft.setting.plan
    if plan is None or not plan.asserts or draft.judged == len(draft.events):
        return
    if draft.scope(ROOT) is None or awaits_slot(draft):
        return
    for index, sla in enumerate(draft.flow.sla):
        if sla.assertion is None or draft.stopping or draft.header.ended_ms:
            continue
        try:
            fine = holds(Renderer(draft)(sla.assertion))
        except (expression.RenderError, expression.NeedsWorld):
            continue
        if not fine:
            _broken(draft, index, sla, f"{sla.assertion} doesn't hold")
    draft.judged = len(draft.events)


def _broken(draft: ExecutionDraft, index: int, sla: Sla, reason: str) -> None:
    header = draft.header
    once = f"{header.attempt}/{index}"
    if once in header.violated:
        return
    draft.emit(e.SlaViolated(once=once, sla_id=sla.id, behavior=sla.behavior, reason=reason, at_ms=draft.at_ms))
    labels = dict(sla.labels)
    if not labels.items() <= header.labels.items():
        draft.emit(e.LabelsUpdated(labels={**header.labels, **labels}, at_ms=draft.at_ms))
    state = ENDS.get(sla.behavior)
    if state is None:
        return
    if awaits_slot(draft):
        end_execution(draft, state, error=f"SLA {sla.id} is violated: {reason}")
        settle(draft)
    else:
        break_off(draft, state)
