"""How each event changes the rows. No rules, no flow, no rendering: what is needed is in the event and in the rows.

A released function of this package is frozen by a golden file; behaviour changes by a new event.
"""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.evolve import children, lifecycle, listeners, scopes, slots, task_runs
from engine.machine import CommandRejected, Event, Evolver, rejected_changes_nothing

EVOLVERS: dict[type[Event], Evolver] = {
    CommandRejected: rejected_changes_nothing,
    e.ExecutionCreated: lifecycle.execution_created,
    e.ExecutionStateChanged: lifecycle.execution_state_changed,
    e.ExecutionEnded: lifecycle.execution_ended,
    e.ExecutionSettled: lifecycle.execution_settled,
    e.ExecutionRecalled: lifecycle.execution_recalled,
    e.ExecutionRestarted: lifecycle.execution_restarted,
    e.LabelsUpdated: lifecycle.labels_updated,
    e.VariablesChanged: lifecycle.variables_changed,
    e.ExitRequested: lifecycle.exit_requested,
    e.ResultsCarried: lifecycle.results_carried,
    e.SlaViolated: lifecycle.sla_violated,
    e.ScopeOpened: scopes.scope_opened,
    e.ScopePhaseChanged: scopes.scope_phase_changed,
    e.ScopeClosed: scopes.scope_closed,
    e.ScopeReopened: scopes.scope_reopened,
    e.ScopeReentered: scopes.scope_reentered,
    e.IterationStarted: scopes.iteration_started,
    e.IterationEnded: scopes.iteration_ended,
    e.TurnEnded: scopes.turn_ended,
    e.TurnStarted: scopes.turn_started,
    e.TaskRunCreated: task_runs.task_run_created,
    e.TaskRunCarried: task_runs.task_run_carried,
    e.TaskDispatched: task_runs.task_dispatched,
    e.TaskRunStarted: task_runs.task_run_started,
    e.TaskRunResubmitted: task_runs.task_run_resubmitted,
    e.TaskRunRetryScheduled: task_runs.task_run_retry_scheduled,
    e.TaskRunPaused: task_runs.task_run_paused,
    e.TaskRunResumed: task_runs.task_run_resumed,
    e.TaskRunKillRequested: task_runs.task_run_kill_requested,
    e.TaskRunEnded: task_runs.task_run_ended,
    e.TaskRunDecided: task_runs.task_run_decided,
    e.TaskRunReopened: task_runs.task_run_reopened,
    e.TaskRunRestated: task_runs.task_run_restated,
    e.TaskRunRemoved: task_runs.task_run_removed,
    e.SlotRequested: slots.slot_requested,
    e.SlotQueued: slots.slot_queued,
    e.SlotObtained: slots.slot_obtained,
    e.SlotReturned: slots.slot_returned,
    e.SlotForgotten: slots.slot_forgotten,
    e.ListenerFound: listeners.listener_found,
    e.ListenerReached: listeners.listener_reached,
    e.StarterNamed: listeners.starter_named,
    e.StarterCalled: listeners.starter_called,
    e.StarterHeard: listeners.starter_heard,
    e.BatchesOpened: children.batches_opened,
    e.ChildAsked: children.child_asked,
    e.ChildBegan: children.child_began,
    e.ChildFinished: children.child_finished,
    e.ChildKillRequested: children.child_kill_requested,
    e.CallerNamed: children.caller_named,
    e.CallerCalled: children.caller_called,
    e.CallerHeard: children.caller_heard,
    e.RetryNumbered: children.retry_numbered,
    e.TimerSet: lifecycle.timer_set,
    e.TimerCleared: lifecycle.timer_cleared,
}
