"""An execution driven by hand: commands go in, events come out, time and workers are the test's.

After every step it holds that deciding is deterministic, that the recorded events fold to the same rows, and that a
command which was meant to be repeatable changes nothing the second time.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from engine import machine
from engine.execution import commands as c
from engine.execution import effects as f
from engine.execution import events as e
from engine.execution.carried import Moment
from engine.execution.draft import ExecutionDraft, Setting
from engine.execution.job import Job, build_job
from engine.execution.past import Ran
from engine.execution.state import HEADER, Header
from engine.execution.step import EXECUTIONS, step
from engine.flow import parse_flow
from engine.flow.model import Flow
from engine.machine import SEQUENCE, Command, Event, Row, Sequence, Step, Timer
from engine.values import State

REPEATABLE = (
    c.CreateExecution,
    c.ReportTaskEnded,
    c.AttemptLost,
    c.KillExecution,
    c.FireTimer,
    c.AbandonExecution,
    c.ChildAccepted,
    c.ChildRefused,
    c.ChildEnded,
    c.NoteCallerHeard,
)
"""Commands that yield no event when they come twice."""
STEPS_MAX = 20_000

Result = State | Mapping[str, Any] | Exception
Script = Mapping[str, Result | list[Result] | Callable[[Job], Result]]
"""By task id, how its attempts end: a state, outputs, an error; a list for one after the other, the last stays."""


class DictRows:
    """Rows in a dict, which count what is asked of them."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.events = 0
        """How many there are, which whoever writes steps knows from a row of its own."""
        self.gets = 0
        self.scans = 0

    def get(self, key: str) -> Any:
        self.gets += 1
        if key == SEQUENCE:
            return Sequence(next=self.events)
        return self.rows.get(key)

    def scan(self, prefix: str) -> Iterable[tuple[str, Any]]:
        self.scans += 1
        return sorted((key, row) for key, row in self.rows.items() if key.startswith(prefix))

    def apply(self, changed: Mapping[str, Row | None]) -> None:
        for key, row in changed.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row


class TaskRunView(msgspec.Struct):
    """A task run as its events tell it."""

    id: str
    task: str
    value: str | None
    iteration: int | None
    parent: str | None
    states: list[State]
    times: list[int]
    outputs: dict[str, Any] | None = None
    error: str = ""
    lines: list[tuple[str, str]] = []
    attempts: int = 0

    @property
    def state(self) -> State:
        return self.states[-1]


class Driven:
    """One execution.

    Args:
        source: The flow's YAML, in which `id` and `namespace` may be left out; or the flow; None if there is none.
        inputs: Values of its inputs.
        checked: False leaves out the costly checks after each step, for large executions.
        setting: Fields of `Setting` besides the flow.
    """

    made: ClassVar[list[Driven]] = []
    """Those of the test that runs."""

    def __init__(
        self,
        source: str | Flow | None,
        inputs: Mapping[str, Any] | None = None,
        *,
        checked: bool = True,
        execution_id: str = "execution",
        **setting: Any,
    ) -> None:
        self.flow = flow_of(source) if isinstance(source, str) else source
        self.setting = Setting(flow=self.flow, revision=1 if self.flow else 0, **setting)
        self.inputs = dict(inputs or {})
        self.id = execution_id
        self.checked = checked
        self.now_ms = 1_000_000
        self.rows = DictRows()
        self.replayed = DictRows()
        self.events: list[Event] = []
        self.steps: list[Step] = []
        self.waiting: list[f.RingDoorbell] = []
        self.effects: list[machine.Effect] = []
        self.runs: dict[str, TaskRunView] = {}
        self.carried: list[str] = []
        """Ids of the task runs that another execution had."""
        self.history: list[State] = []
        self.ended: e.ExecutionEnded | None = None
        Driven.made.append(self)

    # ---- commands ---------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> Step:
        """Let a command be decided, and take the step in."""
        if self.checked:
            done = self._decide(command)
            assert done == self._decide(command), "deciding twice gives different steps"
        else:
            done = self._decide(command)
        self.rows.apply(done.changed)
        self.events.extend(done.events)
        self.rows.events = len(self.events)
        self.steps.append(done)
        for event in done.events:
            self._view(event)
        for effect in done.effects:
            self.effects.append(effect)
            if isinstance(effect, f.RingDoorbell):
                self.waiting.append(effect)
        self._check(command, done)
        return done

    def _decide(self, command: Command) -> Step:
        return step(self.id, self.rows, command, self.now_ms, self.setting)

    def _check(self, command: Command, done: Step) -> None:
        folded = machine.fold(EXECUTIONS, self.replayed, done.events)
        self.replayed.apply(folded)
        if not self.checked:
            return
        assert folded == done.changed, "recorded events fold to other rows"
        assert self.replayed.rows == self.rows.rows
        if isinstance(command, c.FireTimer) and self.timers().get(command.timer_id) == command.generation:
            return  # it set itself again, for the rest of a large step
        if isinstance(command, c.KillExecution) and self.is_leaving:
            return  # the second one stops what runs after the end
        if isinstance(command, REPEATABLE) and not command.request:
            assert self._decide(command).events == (), f"a repeated {type(command).__name__} makes events"

    def create(self, **fields: Any) -> Driven:
        """Create the execution."""
        inputs = msgspec.json.encode(self.inputs)
        command = c.CreateExecution(namespace="test", flow_id="flow", revision=1, inputs_json=inputs, **fields)
        self.send(command)
        return self

    def run(self, script: Script | None = None) -> Driven:
        """Create it and let it go on until nothing happens by itself any more."""
        return self.create().go_on(script)

    def go_on(self, script: Script | None = None, until_ms: int | None = None) -> Driven:
        """Let workers and timers do what there is, up to a time if given."""
        for _ in range(STEPS_MAX):
            if self.waiting:
                self.work(script or {})
            elif not self.fire_next(until_ms):
                return self
        raise AssertionError("it never comes to rest")

    def work(self, script: Script) -> None:
        """Let a worker take the oldest doorbell, claim, and report what the script says."""
        bell = self.waiting.pop(0)
        job = self.claim(bell)
        if job is None:
            return
        result = script.get(job.task_id, State.SUCCESS)
        if isinstance(result, list):
            result = result.pop(0) if len(result) > 1 else result[0]
        elif callable(result):
            result = result(job)
        self.report(bell, result)

    def claim(self, bell: f.RingDoorbell | str, worker: str = "w1") -> Job | None:
        """Claim an attempt; return the granted job, None if it was dropped."""
        bell = self.bell(bell)
        command = c.ClaimAttempt(task_run_id=bell.task_run_id, epoch=bell.epoch, worker_id=worker)
        done = self.send(command)
        granted = [effect for effect in done.effects if isinstance(effect, f.SendGrant)]
        if not granted:
            assert any(isinstance(effect, f.SendDrop) for effect in done.effects)
            return None
        if self.checked:
            other = self._decide(msgspec.structs.replace(command, worker_id="another"))
            assert other.events == () and [type(effect) for effect in other.effects] == [f.SendDrop]
            again = self._decide(command)
            assert again.events == () and again.effects == tuple(granted)
        return build_job(ExecutionDraft(EXECUTIONS, self.id, self.rows, self.now_ms, self.setting), bell.task_run_id)

    def report(self, bell: f.RingDoorbell | str, result: Result = State.SUCCESS, worker: str = "w1") -> Step:
        """Report the end of a claimed attempt."""
        bell = self.bell(bell)
        state, outputs, error = State.SUCCESS, b"", ""
        if isinstance(result, State):
            state = result
        elif isinstance(result, Exception):
            state, error = State.FAILED, str(result)
        else:
            outputs = msgspec.json.encode(result)
        return self.send(
            c.ReportTaskEnded(
                task_run_id=bell.task_run_id,
                epoch=bell.epoch,
                worker_id=worker,
                state=state,
                outputs_json=outputs,
                error=error,
            )
        )

    def lose(self, bell: f.RingDoorbell | str, worker: str = "w1", *, started: bool = True) -> Step:
        """Tell that the worker of a claimed attempt is gone."""
        bell = self.bell(bell)
        return self.send(
            c.AttemptLost(task_run_id=bell.task_run_id, epoch=bell.epoch, worker_id=worker, started=started)
        )

    def bell(self, bell: f.RingDoorbell | str) -> f.RingDoorbell:
        """Return the latest doorbell of a task given by its id (`task` or `task/value`)."""
        if isinstance(bell, f.RingDoorbell):
            return bell
        run = self[bell]
        bells = [b for b in self.effects if isinstance(b, f.RingDoorbell) and b.task_run_id == run.id]
        if bells[-1] in self.waiting:
            self.waiting.remove(bells[-1])
        return bells[-1]

    # ---- time -------------------------------------------------------------------------------------------------------

    def timers(self) -> dict[str, int]:
        """Return the timers that are set: due times by id."""
        return {key[2:]: row.due_ms for key, row in self.rows.rows.items() if isinstance(row, Timer)}

    def fire_next(self, until_ms: int | None = None) -> bool:
        """Let time go on to the next timer and fire it; False if there is none (until then)."""
        due = sorted((due_ms, id) for id, due_ms in self.timers().items())
        if not due or (until_ms is not None and due[0][0] > until_ms):
            if until_ms is not None:
                self.now_ms = max(self.now_ms, until_ms)
            return False
        due_ms, id = due[0]
        self.now_ms = max(self.now_ms, due_ms)
        done = self.send(c.FireTimer(timer_id=id, generation=due_ms))
        return bool(done.events)

    def pass_ms(self, ms: int, script: Script | None = None) -> Driven:
        """Let so much time pass, with all that happens in it."""
        return self.go_on(script, self.now_ms + ms)

    # ---- looking ----------------------------------------------------------------------------------------------------

    @property
    def is_leaving(self) -> bool:
        """True if it has ended and something runs afterwards."""
        return HEADER in self.rows.rows and self.header.ended_ms > 0 and not self.header.settled

    @property
    def header(self) -> Header:
        return self.rows.rows[HEADER]  # type: ignore[return-value]

    @property
    def state(self) -> State:
        return self.header.state

    def all(self, task: str) -> list[TaskRunView]:
        """Return the runs of a task, oldest first."""
        return [run for run in self.runs.values() if run.task == task]

    def __getitem__(self, name: str) -> TaskRunView:
        """Return the only run of `task`, or that of `task/value`."""
        task, _slash, value = name.partition("/")
        found = [run for run in self.all(task) if not value or run.value == value]
        assert len(found) == 1, f"{name} has {len(found)} runs: {self.states()}"
        return found[0]

    def states(self) -> dict[str, str]:
        """Return the state of every task run, by task or `task/value`."""
        return {f"{r.task}/{r.value}" if r.value is not None else r.task: str(r.state) for r in self.runs.values()}

    def order(self) -> list[str]:
        """Return task ids in the order in which their runs began."""
        return [run.task for run in self.runs.values()]

    def value(self, name: str) -> Any:
        """Return the output `value` of a task run."""
        outputs = self[name].outputs
        assert outputs is not None, f"{name} has no outputs: {self[name]}"
        return outputs["value"]

    def of(self, kind: type[Event]) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def lines(self, name: str) -> list[tuple[str, str]]:
        """Return the engine's log lines of a task run: (level, message)."""
        return self[name].lines

    def _view(self, event: Any) -> None:
        if isinstance(event, e.ExecutionStateChanged):
            self.history.append(event.state)
        elif isinstance(event, e.ExecutionEnded):
            self.history.append(event.state)
            self.ended = event
        elif isinstance(event, e.ExecutionCreated):
            self.history.append(State.CREATED)
        elif isinstance(event, e.ExecutionRestarted):
            self.history.append(State.RESTARTED)
        elif isinstance(event, e.TaskRunCarried):
            self._take_over(event)
            return
        elif isinstance(event, e.TaskRunCreated | e.TaskRunDecided):
            assert event.task_run_id not in self.runs, "a task run began twice"
            run = TaskRunView(
                event.task_run_id, event.task_id, event.value, event.iteration, event.parent_id, [event.state], []
            )
            run.attempts = int(event.state is not State.CREATED)
            self.runs[run.id] = run
        elif isinstance(event, e.TaskRunRemoved):
            self._forget(event.task_run_id)
            return
        if isinstance(event, e.ScopeOpened) and event.outputs_json:
            self.runs[event.scope_id].outputs = msgspec.json.decode(event.outputs_json)
        run_id = getattr(event, "task_run_id", None)
        if run_id is None or isinstance(event, e.BatchesOpened | e.ChildAsked | e.ChildFinished | e.ChildKillRequested):
            return
        run = self.runs[run_id]
        state = STATES.get(type(event)) or getattr(event, "state", None)
        if state is not None and state is not run.states[-1]:
            run.states.append(state)
        run.attempts += isinstance(event, e.TaskRunStarted)
        if not isinstance(event, e.ChildBegan):
            run.times.append(event.at_ms)
        run.lines = [*run.lines, *((line.level, line.message) for line in getattr(event, "logs", ()))]
        run.error = getattr(event, "error", "") or run.error
        outputs = getattr(event, "outputs_json", b"")
        if outputs:
            run.outputs = msgspec.json.decode(outputs)

    def _take_over(self, event: e.TaskRunCarried) -> None:
        """Show a task run as it was elsewhere."""
        assert event.task_run_id not in self.runs, "a task run began twice"
        run = TaskRunView(
            event.task_run_id, event.task_id, event.value, event.iteration, event.parent_id, [], [], error=event.error
        )
        run.states = [moment.state for moment in event.history]
        run.times = [moment.at_ms for moment in event.history]
        if not event.state.is_terminal:
            run.states.append(event.state)
            run.times.append(event.at_ms)
        run.outputs = msgspec.json.decode(event.outputs_json) if event.outputs_json else None
        run.attempts = event.attempts
        self.runs[run.id] = run
        self.carried.append(run.id)

    def past(self) -> list[Ran]:
        """Return its task runs as another execution may take them over."""
        return [
            Ran(
                id=run.id,
                task_id=run.task,
                state=run.state,
                parent_id=run.parent,
                value=run.value,
                iteration=run.iteration,
                attempts=run.attempts,
                history=tuple(
                    Moment(state=state, at_ms=at_ms) for state, at_ms in zip(run.states, run.times, strict=False)
                ),
                outputs_json=msgspec.json.encode(run.outputs) if run.outputs is not None else b"",
                error=run.error,
            )
            for run in self.runs.values()
        ]

    def _forget(self, task_run_id: str) -> None:
        """Take a task run away, and all that it had below it."""
        self.runs.pop(task_run_id, None)
        for run in [run for run in self.runs.values() if run.parent == task_run_id]:
            self._forget(run.id)


STATES: dict[type[Event], State] = {
    e.TaskDispatched: State.SUBMITTED,
    e.TaskRunStarted: State.RUNNING,
    e.TaskRunRetryScheduled: State.RETRYING,
    e.TaskRunResubmitted: State.RESUBMITTED,
    e.TaskRunPaused: State.PAUSED,
    e.TaskRunResumed: State.RUNNING,
}


def flow_of(source: str) -> Flow:
    """Return a flow; short type names stand for `io.kestra.plugin.core.…`, `Work` for a task that a worker must run."""
    text = textwrap.dedent(source)
    if "namespace:" not in text:
        text = "id: flow\nnamespace: test\n" + text
    for short, full in SHORT.items():
        text = text.replace(f"type: {short},", f"type: {full},").replace(f"type: {short}}}", f"type: {full}}}")
        text = text.replace(f"type: {short}\n", f"type: {full}\n")
    parsed = parse_flow(text)
    errors = [problem.message for problem in parsed.problems if problem.severity == "error"]
    assert parsed.flow is not None and not errors, errors
    return parsed.flow


CORE = "io.kestra.plugin.core."
SHORT = {
    "Work": "io.kestra.plugin.scripts.shell.Script",
    "Log": CORE + "log.Log",
    "Return": CORE + "debug.Return",
    "OutputValues": CORE + "output.OutputValues",
    **{
        name: f"{CORE}execution.{name}"
        for name in ("Fail", "Assert", "Labels", "SetVariables", "UnsetVariables", "Exit")
    },
    **{
        name: f"{CORE}flow.{name}"
        for name in (
            "Sequential",
            "Parallel",
            "Dag",
            "AllowFailure",
            "If",
            "Switch",
            "ForEach",
            "EachSequential",
            "EachParallel",
            "LoopUntil",
            "Pause",
            "Sleep",
            "Subflow",
        )
    },
}
