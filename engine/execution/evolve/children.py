"""How events between an execution and those that it starts change its rows."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.evolve.counting import output
from engine.execution.kin import AWAITED, TRIES, Awaited, Batches, Child, Tries, batches_key, child_key
from engine.execution.state import Scope, TaskRun, scope_key, task_run_key
from engine.machine import Changes, Rows
from engine.values import UNDONE, State


def child_asked(rows: Rows, event: e.ChildAsked) -> Changes:
    """The request is a row until it is answered."""
    if event.replaces:
        yield child_key(event.task_run_id, event.replaces), None
    if event.index >= 0:
        key = batches_key(event.task_run_id)
        batches: Batches = rows.get(key)
        yield key, replace(batches, started=max(batches.started, event.index + 1), active=batches.active + 1)
    yield child_key(event.task_run_id, event.child_id), Child(asked=event)


def child_began(rows: Rows, event: e.ChildBegan) -> Changes:
    """A child that nobody waits for is let go; of another one what was asked for is forgotten."""
    key = child_key(event.task_run_id, event.child_id)
    child: Child = rows.get(key)
    if not child.asked.waits:
        yield key, None
        yield from _batch_ended(rows, child, State.SUCCESS, "")
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
    yield from _batch_ended(rows, child, event.state, event.error)
    if event.state not in UNDONE or not child.asked.waits:
        yield key, None
    else:
        asked = replace(child.asked, inputs_json=b"")
        yield key, replace(child, state=event.state, execution_id=event.execution_id, accepted=True, asked=asked)


def _batch_ended(rows: Rows, child: Child, state: State, error: str) -> Changes:
    """Count the end of a batch's execution; one that was given up counts as one that is to be run yet."""
    if child.asked.index >= 0:
        key = batches_key(child.asked.task_run_id)
        batches: Batches = rows.get(key)
        ended = batches.ended
        if not child.killing or state not in UNDONE:
            ended = {**ended, state: ended.get(state, 0) + 1}
        yield key, replace(batches, active=batches.active - 1, ended=ended, error=batches.error or error)


def batches_opened(rows: Rows, event: e.BatchesOpened) -> Changes:
    """Begin to count, or go on where a restart finds it: what failed isn't counted any more."""
    key = batches_key(event.task_run_id)
    former: Batches | None = rows.get(key)
    if former is None:
        yield key, Batches(total=event.total, base=event.base, suffix=event.suffix)
    else:
        ended = {state: count for state, count in former.ended.items() if state not in UNDONE}
        yield key, replace(former, ended=ended, error="")


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
