"""How a scope and the header count: small folds that several events share. Frozen together with the folds beside it."""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution.state import HEADER, Header, Scope, scope_key
from engine.machine import Row, Rows
from engine.values import State

KEPT_IN_LOOPS = frozenset({State.FAILED, State.KILLED})
"""Ends after which a restart needs the row; the others' rows go as soon as a loop's iteration is through with them."""


def child_started(scope: Scope, task_id: str) -> Scope:
    """Return the scope after one of its tasks began to run."""
    if scope.phase != "tasks":
        return replace(scope, phase_started=scope.phase_started + 1, active=scope.active + 1)
    if scope.order == "dag":
        return replace(scope, started=scope.started + 1, active=scope.active + 1, begun=(*scope.begun, task_id))
    return replace(scope, started=scope.started + 1, active=scope.active + 1)


def child_ended(scope: Scope, task_id: str, state: State) -> Scope:
    """Return the scope after one of its tasks (or iterations) ended."""
    active = scope.active - 1
    if scope.phase != "tasks":
        return replace(scope, active=active, broken=scope.broken or state in (State.FAILED, State.KILLED))
    over = (*scope.over, task_id) if scope.order == "dag" else scope.over
    if state is State.FAILED:
        return replace(scope, active=active, failed=scope.failed + 1, over=over)
    if state is State.KILLED:
        return replace(scope, active=active, killed=scope.killed + 1, over=over)
    if state is State.WARNING:
        return replace(scope, active=active, warned=scope.warned + 1, over=over)
    if state is State.CANCELLED:
        return replace(scope, active=active, cancelled=scope.cancelled + 1, over=over)
    return replace(scope, active=active, over=over)


def counted(scope: Scope) -> tuple[str, Row]:
    """Return a scope as a changed row."""
    return scope_key(scope.id), scope


def paused(rows: Rows, by: int) -> tuple[str, Row]:
    """Return the header after `by` more task runs are paused."""
    header: Header = rows.get(HEADER)
    return HEADER, replace(header, paused=header.paused + by)
