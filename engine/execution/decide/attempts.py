"""What workers say: a claim, an end, a loss. Only the current attempt's epoch counts; anything else changes nothing."""

from __future__ import annotations

from typing import Any

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import ExecutionDraft
from engine.execution.effects import SendCancel, SendDrop, SendGrant
from engine.execution.scopes import proceed
from engine.execution.state import TaskRun
from engine.execution.task_runs import dispatch, end, end_attempt
from engine.flow.model import Task
from engine.values import State, parse_duration_ms


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
    elif run.state is not State.SUBMITTED or draft.killing:
        draft.answers.append(SendDrop(**answer))
    else:
        draft.emit(e.TaskRunStarted(**answer, at_ms=draft.at_ms))
        timeout_ms = _constant_timeout_ms(draft.task(run))
        if timeout_ms is not None:
            draft.set_timer(f"timeout/{run.id}", draft.at_ms + timeout_ms + draft.setting.timeout_grace_ms)


def _constant_timeout_ms(task: Task) -> int | None:
    """Return the task's timeout if it can be read without rendering; the worker keeps every timeout itself."""
    try:
        return None if task.timeout is None else parse_duration_ms(task.timeout)
    except ValueError:
        return None


def _holds(draft: ExecutionDraft, run: TaskRun, command: c.ReportTaskEnded | c.AttemptLost) -> bool:
    """Tell whether the command speaks of the attempt that runs now, and comes from (or of) the worker that has it."""
    return (
        run.state is State.RUNNING
        and run.epoch == command.epoch
        and run.worker_id == command.worker_id
        and not draft.header.settled
    )


def report_task_ended(draft: ExecutionDraft, command: c.ReportTaskEnded) -> None:
    """End the attempt if it is the current one and this worker holds it."""
    run = draft.run(command.task_run_id)
    if run is None or not _holds(draft, run, command):
        return
    if draft.task(run).timeout is not None:
        draft.clear_timer(f"timeout/{run.id}")
    if run.killing:
        draft.clear_timer(f"grace/{run.id}")
        end(draft, run, State.KILLED, outputs_json=command.outputs_json, error=command.error)
    else:
        end_attempt(draft, run, command.state, outputs_json=command.outputs_json, error=command.error)
    proceed(draft)


def attempt_lost(draft: ExecutionDraft, command: c.AttemptLost) -> None:
    """Queue the attempt again under a new epoch, or fail it, as the policy says; one that is to be killed is killed."""
    run = draft.run(command.task_run_id)
    if run is None or not _holds(draft, run, command):
        return
    if draft.task(run).timeout is not None:
        draft.clear_timer(f"timeout/{run.id}")
    if run.killing or draft.killing:
        draft.clear_timer(f"grace/{run.id}")
        end(draft, run, State.KILLED, error=f"Worker {command.worker_id} is gone")
    elif not command.started or draft.setting.resubmit_lost:
        dispatch(draft, run.id, run.epoch + 1)
    else:
        line = e.LogLine(level="ERROR", message=f"Worker {command.worker_id} is gone; the attempt counts as failed")
        end_attempt(draft, run, State.FAILED, error=line.message, lines=(line,))
    proceed(draft)


def cancel_of(task_run_id: str, epoch: int, worker_id: str) -> SendCancel:
    """Return the effect that stops an attempt at its worker."""
    return SendCancel(task_run_id=task_run_id, epoch=epoch, worker_id=worker_id)
