"""What workers say: a claim, an end, a loss. Only the current attempt's epoch counts; anything else changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from engine import expression
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.asking import COLLECT, TURN
from engine.execution.draft import OUTPUTS_BYTES_MAX, ExecutionDraft
from engine.execution.effects import SendCancel, SendDrop, SendGrant
from engine.execution.job import log_file_of
from engine.execution.lines import Lines, error_lines, line
from engine.execution.scopes import collected, proceed
from engine.execution.slot import awaits_slot
from engine.execution.start import answered
from engine.execution.state import HEADER, Header, TaskRun
from engine.execution.stopping import end_stopped
from engine.execution.task_runs import dispatch, end_attempt
from engine.execution.turns import turn_answered, turn_failed
from engine.execution.variables import Renderer
from engine.values import State, parse_duration_ms

LOST_MAX = 5
"""Attempts of one task run that begin and lose their worker, before it counts as the task's fault: whatever kills its
worker each time must not go round for ever."""

_JSON_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def claim_attempt(draft: ExecutionDraft, command: c.ClaimAttempt) -> None:
    """Grant an attempt that is current, unclaimed and wanted; tell the worker to drop it otherwise.

    A claim that its own worker repeats (the grant was lost) is granted again; the worker starts nothing twice.
    """
    run = draft.run(command.task_run_id)
    answer: dict[str, Any] = {
        "task_run_id": command.task_run_id,
        "epoch": command.epoch,
        "worker_id": command.worker_id,
    }
    if run is None or run.epoch != command.epoch or draft.header.settled or draft.setting.flow is None:
        draft.answers.append(SendDrop(**answer))
    elif run.state is State.RUNNING and run.worker_id == command.worker_id and not run.killing:
        draft.answers.append(SendGrant(**answer))
    elif run.state is not State.SUBMITTED or draft.stopping or awaits_slot(draft):
        draft.answers.append(SendDrop(**answer))
    else:
        draft.emit(e.TaskRunStarted(**answer, at_ms=draft.at_ms, log_file=log_file_of(draft, run)))
        timeout_ms = _timeout_ms(draft, run)
        if timeout_ms is not None:
            draft.set_timer(f"timeout/{run.id}", draft.at_ms + timeout_ms + draft.setting.timeout_grace_ms)


def _timeout_ms(draft: ExecutionDraft, run: TaskRun) -> int | None:
    """Return the task's timeout if it can be rendered here; the worker keeps every timeout itself."""
    written = draft.task(run).timeout
    if written is None or run.asking:
        return None
    try:
        return max(parse_duration_ms(Renderer(draft, run)(written)), 0)
    except (expression.RenderError, expression.NeedsWorld, ValueError):
        return None


def _held_run(draft: ExecutionDraft, command: c.ReportTaskEnded | c.AttemptLost) -> TaskRun | None:
    """Return the task run if the command speaks of its attempt that runs now, at the worker that has it."""
    run = draft.run(command.task_run_id)
    header: Header | None = draft.get(HEADER)
    if (
        run is None
        or run.state is not State.RUNNING
        or run.epoch != command.epoch
        or run.worker_id != command.worker_id
        or header is None
        or header.settled
    ):
        return None
    return run


def report_task_ended(draft: ExecutionDraft, command: c.ReportTaskEnded) -> None:
    """End the attempt if it is the current one and this worker holds it."""
    run = _held_run(draft, command)
    if run is None:
        return
    state, error, outputs_json = command.state, command.error, command.outputs_json
    lines: Lines = ()  # what the worker has to say about it, it has logged itself
    wrong = _wrong(command)
    if wrong:
        state, error, outputs_json, lines = State.FAILED, wrong, b"", error_lines(wrong)
    if run.killing:
        end_stopped(draft, run, outputs_json=b"" if run.asking else outputs_json, error=error, lines=lines)
    elif run.asking:
        _answered(draft, run, state, outputs_json, error, lines)
    else:
        end_attempt(draft, run, state, outputs_json=outputs_json, error=error, lines=lines)
    proceed(draft)


def _answered(draft: ExecutionDraft, run: TaskRun, state: State, outputs_json: bytes, error: str, lines: Lines) -> None:
    """Go on with what a worker did for the engine."""
    if state in (State.SUCCESS, State.WARNING):
        try:
            if run.asking == TURN:
                turn_answered(draft, run, outputs_json)
            elif run.asking == COLLECT:
                collected(draft, run, outputs_json)
            else:
                answered(draft, run, outputs_json)
            return
        except ValueError as failure:
            error = str(failure)
            lines = error_lines(error)
    _failed(draft, run, error, lines)


def _failed(draft: ExecutionDraft, run: TaskRun, error: str, lines: Lines) -> None:
    """Go on after a worker failed at an attempt, or at what it was asked in one; a flowable that is open is closed."""
    if run.asking == TURN:
        turn_failed(draft, run, error)
    elif run.asking == COLLECT:
        collected(draft, run, b"", error=error or "The files can't be kept", lines=lines)
    else:
        end_attempt(draft, run, State.FAILED, error=error, lines=lines)


def _wrong(report: c.ReportTaskEnded) -> str:
    """Return what makes a report unusable, empty if nothing does."""
    if not report.state.is_terminal:
        return f"Worker {report.worker_id} reported the end of an attempt in state {report.state}, which is no end"
    if len(report.outputs_json) > OUTPUTS_BYTES_MAX:
        return (
            f"Expected outputs of at most {OUTPUTS_BYTES_MAX} bytes, but they have {len(report.outputs_json)}: keep "
            f"large data in storage and pass its URI"
        )
    if report.outputs_json:
        try:
            _JSON_OBJECT.decode(report.outputs_json)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return f"Expected outputs that are a JSON object, but {report.worker_id} sent something else: {error}"
    return ""


def _ring_anew(draft: ExecutionDraft, command: c.AttemptLost) -> None:
    """Queue an attempt that nobody has, but that a worker handed back: its claim was lost on the way.

    That worker never claims the attempt again (an executor that hadn't heard of the return would grant it twice), and
    there may be no other: under a new epoch it may. Nothing can have begun, as no claim was counted.
    """
    run = draft.run(command.task_run_id)
    header: Header | None = draft.get(HEADER)
    if (
        run is not None
        and run.state is State.SUBMITTED
        and run.epoch == command.epoch
        and not command.started
        and header is not None
        and not header.settled
        and not draft.stopping
        and not awaits_slot(draft)
    ):
        dispatch(draft, run.id, run.epoch + 1, run.asking)
        proceed(draft)


def attempt_lost(draft: ExecutionDraft, command: c.AttemptLost) -> None:
    """Queue the attempt again under a new epoch, or fail it, as the policy says; one that is to be killed is killed."""
    run = _held_run(draft, command)
    if run is None:
        _ring_anew(draft, command)
        return
    gone = f"Worker {command.worker_id} is gone" if command.started else f"Worker {command.worker_id} handed it back"
    if run.killing or draft.stopping:
        end_stopped(draft, run, error=gone)
    elif command.started and not draft.setting.resubmit_lost:
        error = f"{gone}; the attempt counts as failed"
        _failed(draft, run, error, error_lines(error))
    elif command.started and run.lost + 1 >= LOST_MAX:
        error = f"{gone}, the {run.lost + 1}th that this task lost: it counts as failed. Does it use up the memory?"
        _failed(draft, run, error, error_lines(error))
    else:
        draft.clear_timer(f"timeout/{run.id}")
        draft.emit(
            e.TaskRunResubmitted(
                task_run_id=run.id,
                epoch=run.epoch,
                at_ms=draft.at_ms,
                started=command.started,
                logs=(line("WARN", f"{gone}; the task is queued again"),) if command.started else (),
            )
        )
        dispatch(draft, run.id, run.epoch + 1, run.asking)
    proceed(draft)


def cancel_of(task_run_id: str, epoch: int, worker_id: str) -> SendCancel:
    """Return the effect that stops an attempt at its worker."""
    return SendCancel(task_run_id=task_run_id, epoch=epoch, worker_id=worker_id)
