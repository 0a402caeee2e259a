"""Which flow triggers of other flows a change of state matters to, and what they are told.

Owns the evaluation of their conditions with this execution's variables, and the bounds of what one step tells. It is
all written into the event: whoever is told renders nothing of this execution again. Executions that nobody listens to
pay for one look into the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from engine import expression
from engine.execution import events as e
from engine.execution.asking import templates_of
from engine.execution.draft import ExecutionDraft
from engine.execution.state import HEADER, STARTER, Header, Starter, TaskRun
from engine.execution.variables import base_variables
from engine.machine import SEQUENCE
from engine.trigger.conditions import Facts, Unanswerable, Upstream, all_hold
from engine.trigger.joins import met
from engine.trigger.listeners import Listener
from engine.trigger.rendering import rendered_of
from engine.trigger.windows import span
from engine.values import CORRELATION, State, derive_id, iso, nested, to_json

TELL = "tell"
TELL_BYTES_MAX = 256 * 1024
"""What a step may hold before it tells no more: what one trigger is told may be as large as outputs and inputs are."""
TOLD_MAX = 50
"""Flow triggers that are told of in one step; a further one goes on with the rest."""


def tell_triggers(draft: ExecutionDraft) -> None:
    """Find, for each new state of this step, whom it matters to; tell who started the execution of its end."""
    if draft.settles:
        starter: Starter | None = draft.get(STARTER)
        if starter is not None and starter.called is None:
            told = {"kind": starter.kind, "id": starter.id, "trigger_id": starter.trigger_id}
            draft.emit(e.StarterCalled(**told, execution_id=draft.id, state=draft.header.state))
    tell_listeners(draft)


def tell_listeners(draft: ExecutionDraft) -> None:
    """Find, for each new state of this step, whom it matters to."""
    listeners = draft.setting.listeners
    if not draft.changes or listeners is None or draft.setting.flow is None:
        return
    header: Header | None = draft.get(HEADER)
    if header is None or header.kind != "NORMAL":
        return
    found = listeners.of(header.namespace, header.flow_id)
    if not found:
        return
    before = draft.get(SEQUENCE)
    first = before.next if before is not None else 0
    for place, state in tuple(draft.changes):
        _tell(draft, found, first + place, state, "")


def go_on_telling(draft: ExecutionDraft, target: str) -> None:
    """Tell those that the step of the change had no room for; `target` says of which change, and who was the last."""
    number, state, last = target.split("/", 2)
    header = draft.header
    listeners = draft.setting.listeners
    if listeners is not None and draft.setting.flow is not None:
        _tell(draft, listeners.of(header.namespace, header.flow_id), int(number), State(state), last)


def _name(listener: Listener) -> str:
    return f"{listener.namespace}/{listener.flow_id}/{listener.trigger.id}"


def _tell(draft: ExecutionDraft, listeners: Iterable[Listener], number: int, state: State, last: str) -> None:
    told = 0
    for listener in sorted(listeners, key=_name):
        if _name(listener) <= last or state not in listener.states:
            continue
        if told >= TOLD_MAX or draft.bytes >= TELL_BYTES_MAX:
            draft.set_timer(f"{TELL}/{number}/{state}/{last}", draft.at_ms)
            return
        found = _found(draft, listener, number, state)
        if found is not None:
            draft.emit(found)
            told += 1
        last = _name(listener)


def _found(draft: ExecutionDraft, listener: Listener, number: int, state: State) -> e.ListenerFound | None:
    """Return what a listener is told, None if its conditions don't hold."""
    variables = _variables(draft, listener, state)
    told_id = derive_id("flow-trigger", _name(listener), draft.id, number)
    scope = expression.Scope(variables=variables, now_ms=draft.at_ms, entropy=told_id, dialect=draft.setting.dialect)
    header = draft.header
    upstream = Upstream(
        namespace=header.namespace,
        flow_id=header.flow_id,
        state=state,
        labels=header.labels,
        has_outputs=bool(variables["trigger"].get("outputs")),
        attempts=lambda: _attempt_states(draft),
    )
    facts = Facts(scope=scope, upstream=upstream)
    try:
        if not all_hold(listener.gates, listener.trigger.when, facts):
            return None
    except Unanswerable:
        return None
    join = listener.join
    keys = met(join, facts) if join is not None else ()
    if join is not None and (not keys or span(join.window, draft.at_ms) is None):
        return None
    waits = join is not None and not join.alone
    return _told(draft, listener, scope, told_id, keys if waits else ())


def _told(
    draft: ExecutionDraft, listener: Listener, scope: expression.Scope, told_id: str, keys: tuple[str, ...]
) -> e.ListenerFound:
    trigger = listener.trigger
    header = draft.header
    late = tuple(name for name, value in trigger.inputs.items() if keys and _reads_trigger(value, scope))
    given = rendered_of(trigger, scope, late)
    labels = {**given.labels, CORRELATION: header.labels.get(CORRELATION, draft.id)}
    started = {"id": trigger.id, "type": trigger.declared_type or trigger.type, "variables": scope.variables["trigger"]}
    return e.ListenerFound(
        told_id=told_id,
        execution_id=draft.id,
        namespace=listener.namespace,
        flow_id=listener.flow_id,
        revision=listener.revision,
        trigger_id=trigger.id,
        at_ms=draft.at_ms,
        keys=keys,
        inputs_json=to_json(given.inputs, "The inputs"),
        late=() if given.failure else late,
        labels=labels,
        trigger_json=to_json(started, "The trigger's variables"),
        failure=given.failure,
    )


def _reads_trigger(value: Any, scope: expression.Scope) -> bool:
    for text in templates_of(value):
        try:
            reads = expression.compile_template(text, scope.dialect).reads
        except expression.RenderError:
            return False
        if reads.dynamic or any(path[0] == "trigger" for path in reads.paths):
            return True
    return False


def _variables(draft: ExecutionDraft, listener: Listener, state: State) -> dict[str, Any]:
    """Return what a listener's templates read: this execution's variables, but its own flow and variables."""
    header = draft.header
    base = base_variables(draft)
    execution = base["execution"]
    trigger = {
        "executionId": draft.id,
        "executionLabels": nested({key: value for key, value in header.labels.items() if key != CORRELATION}),
        "state": str(state),
        "namespace": header.namespace,
        "flowId": header.flow_id,
        "flowRevision": header.revision,
        "startDate": iso(header.created_ms),
    }
    if state.is_terminal:
        trigger["endDate"] = iso(header.ended_ms or draft.at_ms)
        trigger["outputs"] = execution.get("outputs", {})
    own = {"id": listener.flow_id, "namespace": listener.namespace, "revision": listener.revision, "tenantId": "main"}
    return {
        **base,
        "flow": own,
        "vars": listener.variables,
        "execution": {**execution, "state": str(state)},
        "trigger": trigger,
        "namespace": header.namespace,
        "flowId": header.flow_id,
        "state": str(state),
    }


def _attempt_states(draft: ExecutionDraft) -> Collection[State]:
    """Return the states of attempts, as far as there are rows of their task runs."""
    found: set[State] = set()
    for _key, row in draft.scan("t/"):
        run: TaskRun = row
        found.add(run.state)
        if run.tried:
            found.add(State.FAILED)
    return found
