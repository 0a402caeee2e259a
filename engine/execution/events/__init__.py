"""What can happen to an execution. Each event has one fold in `evolve/`, one schema, one golden file.

A released event never changes its meaning; new behaviour is a new event. What was rendered or chosen is in the event:
replay never renders.
"""

from __future__ import annotations

from engine.execution.events.lifecycle import (
    ExecutionCreated,
    ExecutionEnded,
    ExecutionRestarted,
    ExecutionSettled,
    ExecutionStateChanged,
    ExitRequested,
    LabelsUpdated,
    ResultsCarried,
    SlaViolated,
    TimerCleared,
    TimerSet,
    VariablesChanged,
)
from engine.execution.events.listeners import (
    ListenerFound,
    ListenerReached,
    StarterCalled,
    StarterHeard,
    StarterNamed,
)
from engine.execution.events.scopes import (
    IterationEnded,
    IterationStarted,
    ScopeClosed,
    ScopeOpened,
    ScopePhaseChanged,
    ScopeReentered,
    ScopeReopened,
    TurnEnded,
    TurnStarted,
)
from engine.execution.events.slots import (
    SlotForgotten,
    SlotObtained,
    SlotQueued,
    SlotRequested,
    SlotReturned,
)
from engine.execution.events.task_runs import (
    TaskDispatched,
    TaskRunCarried,
    TaskRunCreated,
    TaskRunDecided,
    TaskRunEnded,
    TaskRunKillRequested,
    TaskRunPaused,
    TaskRunRemoved,
    TaskRunReopened,
    TaskRunRestated,
    TaskRunResubmitted,
    TaskRunResumed,
    TaskRunRetryScheduled,
    TaskRunStarted,
)
from engine.execution.log_line import LogLine
from engine.machine import CommandRejected

__all__ = [
    "CommandRejected",
    "ExecutionCreated",
    "ExecutionEnded",
    "ExecutionRestarted",
    "ExecutionSettled",
    "ExecutionStateChanged",
    "ExitRequested",
    "IterationEnded",
    "IterationStarted",
    "LabelsUpdated",
    "ListenerFound",
    "ListenerReached",
    "LogLine",
    "ResultsCarried",
    "ScopeClosed",
    "ScopeOpened",
    "ScopePhaseChanged",
    "ScopeReentered",
    "ScopeReopened",
    "SlaViolated",
    "SlotForgotten",
    "SlotObtained",
    "SlotQueued",
    "SlotRequested",
    "SlotReturned",
    "StarterCalled",
    "StarterHeard",
    "StarterNamed",
    "TaskDispatched",
    "TaskRunCarried",
    "TaskRunCreated",
    "TaskRunDecided",
    "TaskRunEnded",
    "TaskRunKillRequested",
    "TaskRunPaused",
    "TaskRunRemoved",
    "TaskRunReopened",
    "TaskRunRestated",
    "TaskRunResubmitted",
    "TaskRunResumed",
    "TaskRunRetryScheduled",
    "TaskRunStarted",
    "TimerCleared",
    "TimerSet",
    "TurnEnded",
    "TurnStarted",
    "VariablesChanged",
]
