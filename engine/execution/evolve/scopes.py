"""How events of scopes and iterations change the rows."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.evolve.counting import child_ended, counted, forgotten, output, recounted
from engine.execution.state import (
    CHUNK,
    Scope,
    Values,
    iteration_scope_id,
    scope_key,
    values_key,
)
from engine.machine import Changes, Rows
from engine.values import UNDONE


def scope_opened(rows: Rows, event: e.ScopeOpened) -> Changes:
    """Begin the scope's row, and keep a loop's values in chunks."""
    around: Scope | None = rows.get(scope_key(event.parent_scope_id))
    until = event.order == "until"
    yield (
        scope_key(event.scope_id),
        Scope(
            id=event.scope_id,
            task_id=event.task_id,
            order=event.order,
            branch=event.branch,
            parent_scope_id=event.parent_scope_id,
            path=event.path,
            limit=event.limit,
            inner=event.inner,
            total=len(event.values),
            warned=event.warned,
            fleeting=until or (around is not None and around.fleeting),
            turn=int(until),
            opened_ms=event.at_ms,
        ),
    )
    if event.outputs_json:
        yield from output(rows, event.task_id, event.path, event.outputs_json)
    for chunk, start in enumerate(range(0, len(event.values), CHUNK)):
        yield values_key(event.scope_id, chunk), Values(values=event.values[start : start + CHUNK])


def scope_phase_changed(rows: Rows, event: e.ScopePhaseChanged) -> Changes:
    """Go on at the beginning of another list."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    yield scope_key(event.scope_id), replace(scope, phase=event.phase, phase_started=0, broken=False)


def scope_closed(rows: Rows, event: e.ScopeClosed) -> Changes:
    """Keep a closed scope only where a restart or a look at its task run may need it."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    if event.state in UNDONE:
        yield scope_key(scope.id), replace(scope, closed=event.state)
    elif scope.fleeting:
        yield from forgotten(rows, scope)
    else:
        yield scope_key(scope.id), replace(scope, closed=event.state, total=0)
        for chunk in range((scope.total + CHUNK - 1) // CHUNK):
            yield values_key(scope.id, chunk), None


def scope_reopened(rows: Rows, event: e.ScopeReopened) -> Changes:
    """Open a closed scope: its failed children count as running again."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    yield (
        scope_key(scope.id),
        replace(
            scope,
            phase="tasks",
            closed=None,
            broken=False,
            failed=0,
            killed=0,
            cancelled=0,
            active=event.reopened,
            phase_started=0,
            resting=False,
            done=False,
            error="",
            stop_at=-1,
            kept=(),
            over=tuple(id for id in scope.over if id not in event.task_ids),
        ),
    )


def scope_reentered(rows: Rows, event: e.ScopeReentered) -> Changes:
    """Open a scope, closed or not, at the end of its tasks: its counters stay, but for a child that is open again."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    if event.child_id:
        scope = replace(
            recounted(scope, event.was, -1),
            active=scope.active + 1,
            over=tuple(id for id in scope.over if id != event.task_id),
            kept=tuple(id for id in scope.kept if id != event.child_id),
        )
    failed = scope.failed - (scope.error != "")
    yield (
        scope_key(scope.id),
        replace(
            scope,
            phase="tasks",
            phase_started=0,
            broken=False,
            closed=None,
            resting=False,
            done=False,
            failed=failed,
            stop_at=scope.stop_at if failed or scope.killed or scope.cancelled else -1,
            error="",
        ),
    )


def iteration_started(rows: Rows, event: e.IterationStarted) -> Changes:
    """Begin a scope for the iteration; the loop counts it."""
    loop: Scope = rows.get(scope_key(event.scope_id))
    inner = iteration_scope_id(loop.id, event.index)
    yield (
        scope_key(inner),
        Scope(
            id=inner,
            task_id=loop.task_id,
            order=loop.inner,
            branch=loop.branch,
            parent_scope_id=loop.id,
            path=(*loop.path, event.value),
            value=event.value,
            iteration=event.index,
            fleeting=True,
        ),
    )
    yield scope_key(loop.id), replace(loop, started=loop.started + 1, active=loop.active + 1)


def iteration_ended(rows: Rows, event: e.IterationEnded) -> Changes:
    """The loop counts the end; an iteration's row stays for a restart if it needs one."""
    inner_id = iteration_scope_id(event.scope_id, event.index)
    inner: Scope = rows.get(scope_key(inner_id))
    if event.state in UNDONE:
        yield scope_key(inner_id), replace(inner, closed=event.state)
    else:
        yield from forgotten(rows, inner)
    yield counted(child_ended(rows.get(scope_key(event.scope_id)), inner_id, "", event.state))


def turn_ended(rows: Rows, event: e.TurnEnded) -> Changes:
    """The loop rests, or is done; an error counts like a failed task."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    yield (
        scope_key(scope.id),
        replace(
            scope,
            resting=not event.done,
            done=event.done,
            error=event.error,
            failed=scope.failed + (event.error != ""),
        ),
    )


def turn_started(rows: Rows, event: e.TurnStarted) -> Changes:
    """Go back to the first task."""
    scope: Scope = rows.get(scope_key(event.scope_id))
    yield scope_key(scope.id), replace(scope, turn=event.turn, started=0, resting=False)
    yield from output(rows, scope.task_id, scope.path, event.outputs_json)
