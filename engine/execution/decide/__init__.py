"""The rules: one module per command (or pair of commands). They read rows and the flow, render, and emit events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.execution import commands as c
from engine.execution.decide import (
    abandon,
    attempts,
    children,
    create,
    delete,
    kill,
    labels,
    listeners,
    pause,
    restart,
    restate,
    slots,
    state,
    timers,
)
from engine.machine import Command

DECIDERS: Mapping[type[Command], Callable[[Any, Any], None]] = {
    c.CreateExecution: create.create_execution,
    c.ClaimAttempt: attempts.claim_attempt,
    c.ReportTaskEnded: attempts.report_task_ended,
    c.AttemptLost: attempts.attempt_lost,
    c.KillExecution: kill.kill_execution,
    c.PauseExecution: pause.pause_execution,
    c.ResumeExecution: pause.resume_execution,
    c.RestartExecution: restart.restart_execution,
    c.ChangeExecutionState: state.change_execution_state,
    c.ChangeTaskRunState: restate.change_task_run_state,
    c.DeleteExecution: delete.delete_execution,
    c.UpdateLabels: labels.update_labels,
    c.AnswerSlot: slots.answer_slot,
    c.ForceRunExecution: slots.force_run,
    c.UnqueueExecution: slots.unqueue_execution,
    c.MarkReplayed: labels.mark_replayed,
    c.NoteStarterHeard: listeners.note_starter_heard,
    c.NoteListenerReached: listeners.note_listener_reached,
    c.ChildAccepted: children.child_accepted,
    c.ChildRefused: children.child_refused,
    c.ChildEnded: children.child_ended,
    c.NoteCallerHeard: children.note_caller_heard,
    c.FireTimer: timers.fire_timer,
    c.AbandonExecution: abandon.abandon_execution,
}
