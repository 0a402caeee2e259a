"""What a timer's time brings. A timer that was cleared or set again in the meantime brings nothing."""

from __future__ import annotations

from collections.abc import Callable

from engine.execution import commands as c
from engine.execution.batches import go_on_batches
from engine.execution.decide.attempts import cancel_of
from engine.execution.decide.create import enter
from engine.execution.decide.kill import grace_over
from engine.execution.decide.restart import go_on_restarting
from engine.execution.draft import ExecutionDraft
from engine.execution.lines import error_lines
from engine.execution.listening import TELL, go_on_telling
from engine.execution.scopes import proceed
from engine.execution.sla import overdue
from engine.execution.slot import awaits_slot
from engine.execution.start import again
from engine.execution.state import Header, timer_key
from engine.execution.stopping import go_on_exiting, go_on_killing
from engine.execution.task_runs import end, end_attempt, final_of, resume
from engine.execution.turns import start_turn
from engine.machine import Timer
from engine.values import State

WAIT_WHILE_HELD = frozenset({"retry", "restart", "turn", "batch"})
"""What would begin an attempt: while a person has paused the execution such a timer stays set, and fires at its
resumption."""
GO_ON_WHEN_STOPPING = frozenset({"kill", "exit", "grace", "timeout", "continue"})


def fire_timer(draft: ExecutionDraft, command: c.FireTimer) -> None:
    """Do what the timer was set for."""
    timer: Timer | None = draft.get(timer_key(command.timer_id))
    if timer is None or timer.due_ms != command.generation:
        return
    header: Header = draft.header
    purpose, _slash, target = command.timer_id.partition("/")
    if header.held and purpose in WAIT_WHILE_HELD:
        return
    draft.clear_timer(command.timer_id)
    if purpose == TELL:
        go_on_telling(draft, target)
        return
    if header.settled or (draft.stopping and purpose not in GO_ON_WHEN_STOPPING):
        return
    if purpose != "sla" and awaits_slot(draft):
        return
    _PURPOSES[purpose](draft, target)
    proceed(draft)


def _start(draft: ExecutionDraft, _target: str) -> None:
    enter(draft)


def _continue(draft: ExecutionDraft, scope_id: str) -> None:
    draft.agenda.append(scope_id)


def _kill(draft: ExecutionDraft, _target: str) -> None:
    go_on_killing(draft)


def _exit(draft: ExecutionDraft, _target: str) -> None:
    go_on_exiting(draft)


def _turn(draft: ExecutionDraft, scope_id: str) -> None:
    start_turn(draft, scope_id)


def _restart(draft: ExecutionDraft, _target: str) -> None:
    go_on_restarting(draft)


def _wait(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is None or run.state not in (State.RUNNING, State.PAUSED):
        return
    planned = draft.planned(run.task_id)
    assert planned.pure is not None, run.task_id
    state = planned.pure.waited(planned.task)
    if run.state is State.PAUSED:
        resume(draft, run, None, state)
    else:
        end_attempt(draft, run, state)


def _timeout(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is None or run.state not in (State.RUNNING, State.PAUSED):
        return
    error = f"Timeout after {draft.at_ms - run.since_ms} ms"
    if run.worker_id:
        error += f": worker {run.worker_id} didn't stop it by itself"
        draft.answers.append(cancel_of(run.id, run.epoch, run.worker_id))
    if run.state is State.PAUSED:
        end(draft, run, final_of(State.FAILED, draft.task(run)), error=error, lines=error_lines(error))
    else:
        end_attempt(draft, run, State.FAILED, error=error, lines=error_lines(error))


def _batch(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is not None and run.state is State.RUNNING:
        go_on_batches(draft, run)


def _retry(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is not None and run.state is State.RETRYING:
        again(draft, run)


def _sla(draft: ExecutionDraft, index: str) -> None:
    overdue(draft, int(index))


def _grace(draft: ExecutionDraft, task_run_id: str) -> None:
    run = draft.run(task_run_id)
    if run is not None and run.killing:
        grace_over(draft, run)


_PURPOSES: dict[str, Callable[[ExecutionDraft, str], None]] = {
    "start": _start,
    "continue": _continue,
    "kill": _kill,
    "exit": _exit,
    "restart": _restart,
    "wait": _wait,
    "timeout": _timeout,
    "retry": _retry,
    "batch": _batch,
    "turn": _turn,
    "grace": _grace,
    "sla": _sla,
}
