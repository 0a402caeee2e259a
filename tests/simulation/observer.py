"""What the log says, read by the reader's rule: the judge of every simulated run.

Owns the invariants that a log alone can tell: I2 (attempts), I8 (sequence), I9 (triggers), I10 (limits), I12 (ids),
single ends, single creations.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.execution import events as e
from engine.slots.events import SlotAwaited, SlotGranted, SlotVacated
from engine.trigger.events import TriggerFired
from engine.values import State
from tests.simulation.flows import LIMITED
from topics import catalog
from topics.messages import Step
from topics.serde import decode
from topics.step_log import StepFold


class Violation(AssertionError):
    """An invariant doesn't hold; the message names it."""


class Observer:
    """Folds the step logs of executions, slots and triggers as they grow."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._reader = log.reader()
        self._folds: dict[tuple[str, int], StepFold] = {}
        self.steps: dict[str, list[Step]] = {}
        self.started: dict[tuple[str, int], str] = {}
        """(task run, epoch) -> worker."""
        self.current: dict[str, int] = {}
        """Epoch that is running, by task run; taken away when the attempt is over."""
        self.created: Counter[str] = Counter()
        self.over: dict[str, str] = {}
        """Final state by execution."""
        self.settled: set[str] = set()
        self.ends: dict[str, set[str]] = {}
        """Every state in which an execution has ended."""
        self.heard: list[tuple[str, str, str]] = []
        """(caller, child, state) of each end that a caller has heard of."""
        self._epochs: dict[str, int] = {}
        self.runs: dict[str, str] = {}
        """Execution by task run."""
        self._next_seq: Counter[str] = Counter()
        self._flows: dict[str, str] = {}
        self._running: dict[str, set[str]] = {flow: set() for flow in LIMITED}
        """Executions that began and aren't over by flow, those left out that were forced to run."""
        self._forced: set[str] = set()
        self.places: set[str] = set()
        """Executions that hold a slot or wait for one, as the slots see it."""
        self.asked: set[str] = set()
        """Executions that triggers asked for."""
        self.dates = 0
        """Dates that brought one."""
        for topic in (catalog.EXECUTIONS_EVENTS, catalog.SLOTS_EVENTS, catalog.TRIGGERS_EVENTS):
            for number in range(log.partitions(topic)):
                self._folds[topic, number] = StepFold()
                self._reader.add(topic, number, 0)

    def catch_up(self) -> None:
        """Read everything that has landed, and see whether the limits hold at this point of time."""
        for (topic, number), fold in self._folds.items():
            while fold.offset < self._log.end_offset(topic, number):
                for record in self._reader.poll(1000, 0):
                    message = decode(record.value)
                    fold_of = self._folds[record.topic, record.partition]
                    if not fold_of.counts(message, record.offset) or not isinstance(message, Step):
                        continue
                    if record.topic == catalog.SLOTS_EVENTS:
                        self._slots_step(message)
                    elif record.topic == catalog.TRIGGERS_EVENTS:
                        self._triggers_step(message)
                    else:
                        self._step(message)
        for flow, running in self._running.items():
            if len(running) > LIMITED[flow]:
                raise Violation(f"I10: {sorted(running)} run, {LIMITED[flow]} executions of {flow} may")

    def _slots_step(self, step: Step) -> None:
        for event in step.events:
            if isinstance(event, SlotGranted | SlotAwaited):
                self.places.add(event.execution_id)
            elif isinstance(event, SlotVacated):
                self.places.remove(event.execution_id)

    def _triggers_step(self, step: Step) -> None:
        for event in step.events:
            if isinstance(event, TriggerFired):
                if event.execution_id in self.asked:
                    raise Violation(f"I9: {event.trigger_id} of {step.id} asked twice for {event.execution_id}")
                self.asked.add(event.execution_id)
                self.dates += event.flow_id == "dated"

    def _limited(self, execution: str, event: Any) -> None:
        running = self._running[self._flows[execution]]
        if isinstance(event, e.SlotRequested):
            if event.forced:
                self._forced.add(execution)
                running.discard(execution)
            else:
                self._forced.discard(execution)
        elif isinstance(event, e.ExecutionStateChanged):
            if event.state is State.RUNNING and execution not in self._forced:
                running.add(execution)
        elif isinstance(event, e.ExecutionSettled):
            running.discard(execution)

    def _step(self, step: Step) -> None:
        self.steps.setdefault(step.id, []).append(step)
        if step.events and not isinstance(step.events[0], e.CommandRejected):
            if step.seq != self._next_seq[step.id]:
                raise Violation(f"I8: {step.id} has events from {step.seq}, expected {self._next_seq[step.id]}")
            self._next_seq[step.id] += len(step.events)
        for event in step.events:
            self._event(step.id, event)
            if self._flows[step.id] in LIMITED:
                self._limited(step.id, event)

    def _event(self, execution: str, event: Any) -> None:
        if isinstance(event, e.ExecutionCreated):
            self._flows[execution] = event.flow_id
            self.created[execution] += 1
            if self.created[execution] > 1:
                raise Violation(f"I1: {execution} was created twice")
        elif isinstance(event, e.ListenerFound):
            if not event.keys:
                self.asked.add(event.told_id)
        elif isinstance(event, e.ExecutionEnded):
            if execution in self.over:
                raise Violation(f"I1: {execution} ended twice")
            self.over[execution] = str(event.state)
            self.ends.setdefault(execution, set()).add(str(event.state))
        elif isinstance(event, e.ChildFinished):
            if event.execution_id:
                self.heard.append((execution, event.execution_id, str(event.state)))
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
            if run in self.runs:
                raise Violation(f"I12: task run {run} began twice ({event.task_id})")
            self.runs[run] = execution
        elif isinstance(event, e.TaskRunCarried):
            if run in self.runs:
                raise Violation(f"I12: task run {run} began twice ({event.task_id})")
            self.runs[run] = execution
            self._epochs[run] = event.attempts
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
