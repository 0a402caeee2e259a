"""What the log says, read by the reader's rule: the judge of every simulated run.

Owns the invariants that a log alone can tell: I2 (attempts), I8 (sequence), I12 (ids), single ends, single creations.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.execution import events as e
from topics import catalog
from topics.messages import Step
from topics.serde import decode
from topics.step_log import StepFold


class Violation(AssertionError):
    """An invariant doesn't hold; the message names it."""


class Observer:
    """Folds the step logs of executions as they grow."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._reader = log.reader()
        self._folds: dict[int, StepFold] = {}
        self.steps: dict[str, list[Step]] = {}
        self.started: dict[tuple[str, int], str] = {}
        """(task run, epoch) -> worker."""
        self.current: dict[str, int] = {}
        """Epoch that is running, by task run; taken away when the attempt is over."""
        self.created: Counter[str] = Counter()
        self.over: dict[str, str] = {}
        """Final state by execution."""
        self.settled: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._runs: dict[str, str] = {}
        self._next_seq: Counter[str] = Counter()
        for number in range(log.partitions(catalog.EXECUTIONS_EVENTS)):
            self._folds[number] = StepFold()
            self._reader.add(catalog.EXECUTIONS_EVENTS, number, 0)

    def catch_up(self) -> None:
        """Read everything that has landed."""
        for number, fold in self._folds.items():
            while fold.offset < self._log.end_offset(catalog.EXECUTIONS_EVENTS, number):
                for record in self._reader.poll(1000, 0):
                    message = decode(record.value)
                    if self._folds[record.partition].counts(message, record.offset) and isinstance(message, Step):
                        self._step(message)

    def _step(self, step: Step) -> None:
        self.steps.setdefault(step.id, []).append(step)
        if step.events and not isinstance(step.events[0], e.CommandRejected):
            if step.seq != self._next_seq[step.id]:
                raise Violation(f"I8: {step.id} has events from {step.seq}, expected {self._next_seq[step.id]}")
            self._next_seq[step.id] += len(step.events)
        for event in step.events:
            self._event(step.id, event)

    def _event(self, execution: str, event: Any) -> None:
        if isinstance(event, e.ExecutionCreated):
            self.created[execution] += 1
            if self.created[execution] > 1:
                raise Violation(f"I1: {execution} was created twice")
        elif isinstance(event, e.ExecutionEnded):
            if execution in self.over:
                raise Violation(f"I1: {execution} ended twice")
            self.over[execution] = str(event.state)
        elif isinstance(event, e.ExecutionRestarted):
            del self.over[execution]
            self.settled.discard(execution)
        elif isinstance(event, e.ExecutionSettled):
            if execution in self.settled:
                raise Violation(f"I1: {execution} settled twice")
            self.settled.add(execution)
        else:
            self._task_run(execution, event)

    def _task_run(self, execution: str, event: Any) -> None:
        run = getattr(event, "task_run_id", None)
        if isinstance(event, e.TaskRunCreated | e.TaskRunDecided):
            if run in self._runs:
                raise Violation(f"I12: task run {run} began twice ({event.task_id})")
            self._runs[run] = execution
        elif isinstance(event, e.TaskDispatched):
            if event.epoch != self._epochs.get(run, 0) + 1:
                raise Violation(f"I2: attempt {event.epoch} of {run} after {self._epochs.get(run, 0)}")
            if execution in self.settled:
                raise Violation(f"I3: {run} dispatched after {execution} settled")
            self._epochs[run] = event.epoch
            self.current.pop(run, None)
        elif isinstance(event, e.TaskRunStarted):
            if not event.worker_id:  # the engine itself makes the attempt
                self._epochs[run] = event.epoch
                return
            if event.epoch != self._epochs.get(run) or (run, event.epoch) in self.started:
                raise Violation(f"I2: attempt {event.epoch} of {run} started twice or stale")
            if execution in self.settled:
                raise Violation(f"I3: {run} started after {execution} settled")
            self.started[(run, event.epoch)] = event.worker_id
            self.current[run] = event.epoch
        elif isinstance(event, e.TaskRunEnded | e.TaskRunRetryScheduled):
            self.current.pop(run, None)
