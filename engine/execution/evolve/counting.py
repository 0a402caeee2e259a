"""How scopes count and what of them is kept: small folds that several events share. Frozen with the folds beside it."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution.state import (
    CHUNK,
    HEADER,
    Header,
    Output,
    Scope,
    output_key,
    scope_key,
    task_run_key,
    values_key,
)
from engine.machine import Changes, Row, Rows
from engine.values import UNDONE, State


def child_started(scope: Scope, task_id: str) -> Scope:
    """Return the scope after one of its tasks began to run."""
    if scope.phase != "tasks":
        return replace(scope, phase_started=scope.phase_started + 1, active=scope.active + 1)
    if scope.order == "dag":
        return replace(scope, started=scope.started + 1, active=scope.active + 1, begun=(*scope.begun, task_id))
    return replace(scope, started=scope.started + 1, active=scope.active + 1)


def child_ended(scope: Scope, child_id: str, task_id: str, state: State) -> Scope:
    """Return the scope after one of its task runs (or iterations) ended."""
    active = scope.active - 1
    over = (*scope.over, task_id) if scope.order == "dag" and scope.phase == "tasks" else scope.over
    if state not in UNDONE:
        warned = scope.warned + (state is State.WARNING and scope.phase == "tasks")
        return replace(scope, active=active, over=over, warned=warned)
    kept = (*scope.kept, child_id) if scope.fleeting or scope.order == "loop" else scope.kept
    if scope.phase != "tasks":
        return replace(scope, active=active, kept=kept, broken=True)
    return replace(
        scope,
        active=active,
        over=over,
        kept=kept,
        stop_at=scope.started + scope.limit - scope.active if scope.stop_at < 0 else scope.stop_at,
        failed=scope.failed + (state is State.FAILED),
        killed=scope.killed + (state is State.KILLED),
        cancelled=scope.cancelled + (state is State.CANCELLED),
    )


def child_decided(scope: Scope, child_id: str, task_id: str, state: State) -> Scope:
    """Return the scope after one of its tasks began and ended in one go."""
    if state is State.SUCCESS and scope.phase == "tasks" and scope.order != "dag":
        return replace(scope, started=scope.started + 1)
    return child_ended(child_started(scope, task_id), child_id, task_id, state)


def recounted(scope: Scope, state: State, by: int) -> Scope:
    """Return the scope after `by` more of its task runs count as ended in a state."""
    return replace(
        scope,
        failed=scope.failed + by * (state is State.FAILED),
        killed=scope.killed + by * (state is State.KILLED),
        cancelled=scope.cancelled + by * (state is State.CANCELLED),
        warned=scope.warned + by * (state is State.WARNING),
    )


def counted(scope: Scope) -> tuple[str, Row]:
    """Return a scope as a changed row."""
    return scope_key(scope.id), scope


def paused(rows: Rows, by: int) -> tuple[str, Row]:
    """Return the header after `by` more task runs are paused."""
    header: Header = rows.get(HEADER)
    return HEADER, replace(header, paused=header.paused + by)


def output(rows: Rows, task_id: str, path: tuple[str, ...], json: bytes) -> Changes:
    """Keep a task's outputs; within loops, note on each level that there are rows below."""
    for level in range(len(path)):
        key = output_key(task_id, path[:level])
        if rows.get(key) is None:
            yield key, Output(json=b"")
    yield output_key(task_id, path), Output(json=json)


def forgotten(rows: Rows, scope: Scope) -> Changes:
    """Take a scope away, with everything that was kept below it."""
    yield scope_key(scope.id), None
    for chunk in range((scope.total + CHUNK - 1) // CHUNK):
        yield values_key(scope.id, chunk), None
    for child_id in scope.kept:
        if scope.order != "loop":
            yield task_run_key(child_id), None
        child: Scope | None = rows.get(scope_key(child_id))
        if child is not None:
            yield from forgotten(rows, child)
