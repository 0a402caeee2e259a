"""Creating an execution, and letting it begin."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.callers import accept, name_caller, refuse
from engine.execution.conclusion import end_execution, settle
from engine.execution.decide.listeners import name_starter, reply
from engine.execution.draft import ExecutionDraft
from engine.execution.scopes import proceed
from engine.execution.sla import watch
from engine.execution.slot import is_limited, request_slot
from engine.execution.state import HEADER, ROOT
from engine.inputs.resolve import resolve_inputs
from engine.values import CORRELATION, State

FROM = "system.from"
"""Says what started the execution, if it was neither a person nor another execution's task."""


def create_execution(draft: ExecutionDraft, command: c.CreateExecution) -> None:
    """Create the execution, unless it exists: a repeated command changes nothing.

    The flow's labels come first, the request's follow; the correlation id is the execution's own unless given. One that
    can't run is refused if another execution asked for it, which tells its users; otherwise it is created, and fails.
    """
    reply(draft, command)
    if draft.get(HEADER) is not None:
        accept(draft, command)
        return
    flow = draft.setting.flow
    revision = command.revision or draft.setting.revision
    inputs_json, error = _inputs(draft, command, revision)
    if error and command.asked_by:
        refuse(draft, command, error)
        return
    labels = {key: value for key, value in (flow.labels if flow else ()) if not key.startswith("system.")}
    labels.update(command.labels)
    labels.setdefault(CORRELATION, draft.id)
    if command.reply_kind:
        labels[FROM] = "trigger"
    draft.emit(
        e.ExecutionCreated(
            namespace=command.namespace,
            flow_id=command.flow_id,
            revision=revision,
            at_ms=draft.at_ms,
            inputs_json=inputs_json,
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
    name_caller(draft, command.caller)
    if command.tries > 1:
        draft.emit(e.RetryNumbered(tries=command.tries, first_ms=command.first_ms))
    accept(draft, command)
    if command.failure or error:
        end_execution(draft, State.FAILED, error=command.failure or error)
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


def _inputs(draft: ExecutionDraft, command: c.CreateExecution, revision: int) -> tuple[bytes, str]:
    """Return the typed inputs, and why the execution can't run, empty if it can."""
    flow = draft.setting.flow
    name = f"{command.namespace}.{command.flow_id}"
    if flow is None:
        if command.revision:
            name += f" revision {command.revision}"
        return b"{}" if command.raw else command.inputs_json, f"Flow {name} is not in the catalogue, or doesn't parse"
    if flow.disabled:
        return b"{}" if command.raw else command.inputs_json, f"Flow {name} revision {revision} is disabled"
    if not command.raw:
        return command.inputs_json, ""
    about = {"id": flow.id, "namespace": flow.namespace, "revision": revision, "tenantId": "main"}
    variables: dict[str, Any] = {**draft.setting.variables, "flow": about, "vars": flow.variables}
    if command.trigger_json:
        trigger = msgspec.json.decode(command.trigger_json)
        variables["trigger"] = trigger.get("variables", trigger)
    given = msgspec.json.decode(command.inputs_json)
    resolution = resolve_inputs(flow.inputs, given, variables, draft.at_ms, dialect=draft.setting.dialect, sealed=True)
    problems = [f"Invalid value for input `{id}`: {problem}" for id, problem in resolution.errors]
    if problems:
        return b"{}", f"Flow {name} can't run: {'; '.join(problems)}"
    return msgspec.json.encode(resolution.values), ""


def begin(draft: ExecutionDraft) -> None:
    """Let a created execution run its first task."""
    draft.emit(e.ExecutionStateChanged(state=State.RUNNING, at_ms=draft.at_ms))
    draft.emit(e.ScopeOpened(scope_id=ROOT, at_ms=draft.at_ms))
    draft.agenda.append(ROOT)
    proceed(draft)
