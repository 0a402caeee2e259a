"""How events between an execution and those that it starts change its rows."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.evolve.counting import output
from engine.execution.kin import AWAITED, TRIES, Awaited, Child, Tries, child_key
from engine.execution.state import Scope, TaskRun, scope_key, task_run_key
from engine.machine import Changes, Rows
from engine.values import UNDONE


def child_asked(rows: Rows, event: e.ChildAsked) -> Changes:
    """The request is a row until it is answered."""
    if event.replaces:
        yield child_key(event.task_run_id, event.replaces), None
    yield child_key(event.task_run_id, event.child_id), Child(asked=event)


def child_began(rows: Rows, event: e.ChildBegan) -> Changes:
    """A child that nobody waits for is let go; of another one what was asked for is forgotten."""
    key = child_key(event.task_run_id, event.child_id)
    child: Child = rows.get(key)
    if not child.asked.waits:
        yield key, None
    else:
        yield key, replace(child, accepted=True, asked=replace(child.asked, inputs_json=b""))
    run: TaskRun | None = rows.get(task_run_key(event.task_run_id))
    if event.outputs_json and run is not None:
        scope: Scope = rows.get(scope_key(run.scope_id))
        yield from output(rows, run.task_id, scope.path, event.outputs_json)


def child_finished(rows: Rows, event: e.ChildFinished) -> Changes:
    """One that ended well is forgotten."""
    key = child_key(event.task_run_id, event.child_id)
    child: Child = rows.get(key)
    if event.state not in UNDONE or child.killing or not child.asked.waits:
        yield key, None
    else:
        asked = replace(child.asked, inputs_json=b"")
        yield key, replace(child, state=event.state, execution_id=event.execution_id, accepted=True, asked=asked)


def child_kill_requested(rows: Rows, event: e.ChildKillRequested) -> Changes:
    """The kill is asked for until the child has ended."""
    key = child_key(event.task_run_id, event.child_id)
    child: Child = rows.get(key)
    yield key, replace(child, killing=True, asked=replace(child.asked, inputs_json=b""))


def caller_named(_rows: Rows, event: e.CallerNamed) -> Changes:
    """They are told when it ends."""
    yield AWAITED, Awaited(caller=event.caller)


def caller_called(_rows: Rows, event: e.CallerCalled) -> Changes:
    """They are told until they have heard it."""
    yield AWAITED, Awaited(caller=event.caller, end=event)


def caller_heard(rows: Rows, _event: e.CallerHeard) -> Changes:
    """There is nobody to be told any more; who it was is remembered, as their call may come once more."""
    awaited: Awaited = rows.get(AWAITED)
    yield AWAITED, Awaited(caller=awaited.caller, heard=True)


def retry_numbered(_rows: Rows, event: e.RetryNumbered) -> Changes:
    """The next failure counts from here."""
    yield TRIES, Tries(tries=event.tries, first_ms=event.first_ms)
