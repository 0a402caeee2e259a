"""Creating an execution, and letting it begin."""

from __future__ import annotations

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.conclusion import settle
from engine.execution.decide.listeners import name_starter, reply
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.sla import watch
from engine.execution.slot import is_limited, request_slot
from engine.execution.state import HEADER, ROOT
from engine.values import State

CORRELATION = "system.correlationId"


def create_execution(draft: ExecutionDraft, command: c.CreateExecution) -> None:
    """Create the execution, unless it exists: a repeated command changes nothing.

    The flow's labels come first, the request's follow; the correlation id is the execution's own unless given.
    """
    reply(draft, command)
    if draft.get(HEADER) is not None:
        return
    flow = draft.setting.flow
    labels = {key: value for key, value in (flow.labels if flow else ()) if not key.startswith("system.")}
    labels.update(command.labels)
    labels.setdefault(CORRELATION, draft.id)
    draft.emit(
        e.ExecutionCreated(
            namespace=command.namespace,
            flow_id=command.flow_id,
            revision=command.revision,
            at_ms=draft.at_ms,
            inputs_json=command.inputs_json,
            variables_json=command.variables_json,
            labels=labels,
            trigger_json=command.trigger_json,
            parent_id=command.parent_id,
            original_id=command.original_id or draft.id,
            kind=command.kind,
            schedule_ms=command.schedule_ms,
            sources=command.sources,
        )
    )
    if command.variables_whole:
        draft.emit(e.VariablesChanged(variables_json=command.variables_json, at_ms=draft.at_ms))
    if command.carried:
        draft.emit(e.ResultsCarried(runs=command.carried))
    name_starter(draft, command)
    if command.failure:
        draft.emit(e.ExecutionEnded(state=State.FAILED, at_ms=draft.at_ms, error=command.failure))
        settle(draft)
    elif flow is None or flow.disabled:
        name = f"{command.namespace}.{command.flow_id} revision {command.revision}"
        why = "is disabled" if flow is not None else "is not in the catalogue, or doesn't parse"
        draft.emit(e.ExecutionEnded(state=State.FAILED, at_ms=draft.at_ms, error=f"Flow {name} {why}"))
        settle(draft)
    elif command.schedule_ms is not None and command.schedule_ms > draft.at_ms:
        draft.set_timer("start/", command.schedule_ms)
    else:
        if command.resumes:
            draft.emit(e.ExecutionStateChanged(state=State.RESTARTED, at_ms=draft.at_ms))
        enter(draft)


def enter(draft: ExecutionDraft) -> None:
    """Let a created execution begin, as soon as it has a slot if its flow has a limit."""
    watch(draft)
    if is_limited(draft.flow):
        request_slot(draft)
    else:
        begin(draft)


def begin(draft: ExecutionDraft) -> None:
    """Let a created execution run its first task."""
    draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))
    draft.emit(e.ScopeOpened(scope_id=ROOT, at_ms=draft.at_ms))
    draft.agenda.append(ROOT)
    proceed(draft)
