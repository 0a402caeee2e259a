"""One simulated world: real executors and workers on the in-memory log, virtual time, one seed.

Owns the processes, the clock, and what goes wrong. Everything is single-threaded and drawn from the seed, so a seed
replays bit for bit: `python -m tests.simulation SEED` prints what happened.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

import executor.loop
import executor.partition
import executor.state.snapshot
from engine.catalog.commands import SaveFlow
from engine.execution import commands as c
from engine.execution.draft import Setting
from engine.execution.job import Job
from engine.values import State, derive_id
from executor.loop import Clocks, Executor, ExecutorSettings
from executor.state.memory import MemoryStore
from tests.simulation.client import AGAIN, REPLAY, replay_of, wish
from tests.simulation.flows import DATES_MS, EPOCH_MS, FLAKY, FLOWS, LIMITED, SLOW, STARTED
from tests.simulation.observer import Observer, Violation
from topics import catalog
from topics.embedded.faults import FaultRates, Faults
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from topics.serde import encode
from worker.loop import Worker
from worker.ports import AttemptKey, Ended, WorkerSettings

PARTITIONS = 2
EXECUTORS = 2
WORKERS = 2
EXECUTIONS = 7
REPLAYS = 3
STORM_STEPS = 500
CALM_STEPS = 6_000


_REASSIGNED = [catalog.EXECUTIONS_INBOX, catalog.EXECUTIONS_INBOX, catalog.SLOTS_INBOX, catalog.TRIGGERS_INBOX]

executor.partition.HASH_EVERY = 5
executor.state.snapshot.EVERY_MS = 4_000
executor.loop.AGAIN_MS = 5
"""In small worlds what happens once in a while must happen more often."""


class Crash(BaseException):
    """A simulated process is killed right here."""


class Seams:
    """Where a process may be killed: before and after each append and each write of rows."""

    def __init__(self, rnd: random.Random) -> None:
        self._rnd = rnd
        self.rate = 0.0

    def pass_by(self) -> None:
        """Kill the process that runs, if the dice say so."""
        if self.rate and self._rnd.random() < self.rate:
            raise Crash


class SeamWriter:
    """A writer whose process may die before and after each append."""

    def __init__(self, writer: Any, seams: Seams) -> None:
        self._writer = writer
        self._seams = seams
        self.poll = writer.poll
        self.close = writer.close
        self.together = writer.together

    def append(self, *args: Any, **named: Any) -> None:
        self._seams.pass_by()
        self._writer.append(*args, **named)
        self._seams.pass_by()

    @property
    def outstanding(self) -> int:
        return self._writer.outstanding


class SeamLog:
    """A member's view of the log, with seams in its writers."""

    def __init__(self, log: Any, seams: Seams) -> None:
        self._log = log
        self._seams = seams

    def writer(self) -> SeamWriter:
        return SeamWriter(self._log.writer(), self._seams)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class SeamStore:
    """A store whose process may die before and after each write."""

    def __init__(self, store: MemoryStore, seams: Seams) -> None:
        self._store = store
        self._seams = seams
        self.get = store.get
        self.scan = store.scan
        self.close = store.close

    def write(self, changes: Any) -> None:
        self._seams.pass_by()
        self._store.write(changes)
        self._seams.pass_by()


class SimRunner:
    """Pretends to run attempts: each takes some virtual time and ends as the dice say."""

    def __init__(self, world: World, worker_id: str) -> None:
        self._world = world
        self._worker_id = worker_id
        self._due: dict[AttemptKey, tuple[int, Ended]] = {}

    def start(self, key: AttemptKey, job: Job) -> None:
        world, rnd = self._world, self._world.rnd
        world.attempt_begins(key, self._worker_id, job.folder)
        takes_ms = rnd.choice([1, 50, 1_000]) if job.task_id not in SLOW else rnd.choice([1_000, 60_000])
        failed = (job.task_id in FLAKY and rnd.random() < 0.5) or rnd.random() < 0.04
        end = Ended(
            key=key,
            state=State.FAILED if failed else State.SUCCESS,
            outputs_json=b"" if failed else msgspec.json.encode({"n": key[2]}),
            error="unlucky" if failed else "",
        )
        if job.task_id in SLOW and takes_ms > 20_000:
            takes_ms, end = 20_000, Ended(key=key, state=State.FAILED, error="Timeout")
        self._due[key] = (world.monotonic_ms + takes_ms, end)

    def kill(self, key: AttemptKey, *, at_once: bool) -> None:
        if key in self._due:
            self._due[key] = (0 if at_once else self._world.monotonic_ms + 20, Ended(key=key, state=State.KILLED))

    def discard(self, folder: str) -> None:
        self._world.folder_discarded(folder)

    def ended(self) -> list[Ended]:
        now = self._world.monotonic_ms
        over = [key for key, (due, _end) in self._due.items() if due <= now]
        return [self._due.pop(key)[1] for key in over]

    def next_ms(self) -> int | None:
        return min((due for due, _end in self._due.values()), default=None)


class ExecutorProcess:
    """An executor that may be frozen, killed and started again, on the same rows or without them."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.store = MemoryStore()
        self.generation = 0
        self.frozen = False
        self.executor: Executor | None = None

    @property
    def member(self) -> str:
        return f"{self.name}.{self.generation}"

    def start(self) -> None:
        world = self.world
        self.generation += 1
        log = SeamLog(world.log.as_member(self.member), world.seams)
        settings = ExecutorSettings(
            name=self.member,
            standby=self.name.endswith("1"),
            keep_ms=20_000,
            setting=Setting(flow=None, kill_grace_ms=120_000),
        )
        store = SeamStore(self.store, world.seams)
        self.executor = Executor(log, store, settings, Clocks(lambda: world.now_ms, lambda: world.monotonic_ms))

    def kill(self) -> None:
        self.executor = None
        self.frozen = False
        self.world.log.crash(self.member)
        if self.world.rnd.random() < 0.3:
            self.store = MemoryStore()

    def run(self) -> None:
        if self.executor is None:
            self.start()
        assert self.executor is not None
        self.executor.run_once(0.0)


class WorkerProcess:
    """A worker that may be frozen, killed and started again; what it ran dies with it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.generation = 0
        self.frozen = False
        self.worker: Worker | None = None
        self.runner: SimRunner | None = None

    @property
    def member(self) -> str:
        return f"{self.name}.{self.generation}"

    def monotonic(self) -> float:
        return self.world.monotonic_ms / 1000

    def wall_ms(self) -> int:
        return self.world.now_ms

    def start(self) -> None:
        self.generation += 1
        log = SeamLog(self.world.log.as_member(self.member), self.world.seams)
        self.runner = SimRunner(self.world, self.member)
        # The simulated second is short: with little of it, hardly ever would an attempt be claimed ahead.
        settings = WorkerSettings(worker_id=self.member, slots=2, ahead_s=5.0)
        self.worker = Worker(log, settings, self.runner, self)

    def kill(self) -> None:
        self.worker = None
        self.runner = None
        self.frozen = False
        self.world.log.crash(self.member)

    def run(self) -> None:
        if self.worker is None:
            self.start()
        assert self.worker is not None
        self.worker.run_once(0.0)
        if self.worker.stopped or (self.worker._lease_lost and not self.worker.busy):
            self.kill()


class World:
    """Everything of one run.

    Args:
        seed: Names the run.
        trace: Called with a line for each thing that happens.
    """

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.rnd = random.Random(seed)
        self.trace = trace
        self.now_ms = EPOCH_MS
        self.monotonic_ms = 1_000_000
        self.faults = Faults(self.rnd.getrandbits(32), FaultRates())
        self.log = MemoryLog(catalog_partitions(PARTITIONS), now_ms=lambda: self.now_ms, faults=self.faults)
        self.seams = Seams(random.Random(self.rnd.getrandbits(32)))
        self.executors = [ExecutorProcess(self, f"executor{i}") for i in range(EXECUTORS)]
        self.workers = [WorkerProcess(self, f"worker{i}") for i in range(WORKERS)]
        self.observer = Observer(self.log)
        self.begun: dict[tuple[str, int], str] = {}
        self.discarded: set[str] = set()
        self.client = self.log.writer(member="client")
        self.acknowledged: set[str] = set()
        self._submitted: list[tuple[str, str]] = []
        self._inboxes = self.log.partitions(catalog.EXECUTIONS_INBOX)

    # ---- what happens -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Begin without faults, weather the storm, then calm down until everything is over."""
        self._save_flows()
        self._draw_rates()
        for _ in range(STORM_STEPS):
            self._storm_step()
        self._calm()

    def _save_flows(self) -> None:
        for name, source in {**FLOWS, **STARTED}.items():
            save = SaveFlow(namespace="sim", flow_id=name, source=source, request=name)
            self.client.append(catalog.FLOWS_INBOX, 0, f"sim/{name}".encode(), encode(save), message=save)
        for _ in range(40):
            for process in self.executors:
                process.run()
            for worker in self.workers:
                worker.run()
        if self.log.end_offset(catalog.FLOWS_EVENTS, 0) < len(FLOWS) + len(STARTED):
            raise Violation("the flows were not saved")
        self.client.poll()

    def _draw_rates(self) -> None:
        rnd = self.rnd

        def up_to(most: float) -> float:
            return rnd.random() * most if rnd.random() < 0.6 else 0.0

        self.faults.rates = FaultRates(
            hold=up_to(0.4),
            land=0.2 + rnd.random() * 0.7,
            lose=up_to(0.05),
            lose_stray=rnd.random(),
            unknown=up_to(0.05),
            late_ack=up_to(0.4),
            duplicate=up_to(0.2),
            redeliver=up_to(0.2),
            short_poll=up_to(0.3),
            forget_message=0.1,
        )
        self.seams.rate = up_to(0.01)
        self._reassigns = up_to(0.02)
        self._freezes = up_to(0.02)

    def _storm_step(self) -> None:
        rnd = self.rnd
        dice = rnd.random()
        if dice < 0.04:
            self._client_acts()
        elif dice < 0.04 + self._freezes:
            process = rnd.choice([*self.executors, *self.workers])
            process.frozen = not process.frozen
            self._say(f"{process.member} {'freezes' if process.frozen else 'wakes'}")
        elif dice < 0.06 + self._reassigns:
            self._reassign()
        elif dice < 0.10:
            self._pass_time(rnd.choice([1, 10, 100, 1_000, 5_000]))
        elif dice < 0.102:
            self._pass_time(rnd.choice([16_000, 40_000]))
        elif dice < 0.104:
            self.now_ms += rnd.choice([-30_000, 30_000])
        elif dice < 0.30:
            self.log.tick()
        else:
            process = rnd.choice([*self.executors, *self.workers])
            if not process.frozen:
                self._run(process)

    def _run(self, process: ExecutorProcess | WorkerProcess) -> None:
        try:
            process.run()
        except Crash:
            self._say(f"{process.member} is killed")
            process.kill()

    def _reassign(self) -> None:
        alive = [p for p in self.executors if p.executor is not None]
        if not alive:
            return
        owner = self.rnd.choice(alive)
        inbox = self.rnd.choice(_REASSIGNED)
        pair = (inbox, self.rnd.randrange(PARTITIONS))
        self._say(f"{pair} goes to {owner.member}")
        self.log.reassign("executors", {owner.member: [pair]}, tell_old=self.rnd.random() < 0.5)

    def _pass_time(self, ms: int) -> None:
        self.now_ms += ms
        self.monotonic_ms += ms

    def _client_acts(self) -> None:
        rnd = self.rnd
        if len(self._submitted) < EXECUTIONS:
            execution = derive_id("sim", self.seed, len(self._submitted))
            flow = rnd.choice([*FLOWS, *LIMITED, *LIMITED])  # of limited ones more than one is needed
            self._submitted.append((execution, flow))
            self._submit(execution, flow)
        else:
            execution, flow = rnd.choice(self._submitted)
            command = wish(rnd, [run for run, owner in self.observer.runs.items() if owner == execution])
            if command == AGAIN:
                self._submit(execution, flow)
            elif command == REPLAY:
                self._replay(execution, flow)
            else:
                self._say(f"client: {type(command).__name__} {execution}")
                self._command(execution, command)
        self._client_polls()

    def _submit(self, execution: str, flow: str) -> None:
        self._say(f"client: {flow} as {execution}")
        self._command(execution, c.CreateExecution(namespace="sim", flow_id=flow, revision=1, request=execution))

    def _replay(self, execution: str, flow: str) -> None:
        self.observer.catch_up()
        new = derive_id("sim replay", self.seed, len(self._submitted))
        command = replay_of(self.observer.steps.get(execution, ()), flow, new, self.rnd)
        if command is not None and len(self._submitted) < EXECUTIONS + REPLAYS:
            self._submitted.append((new, flow))
            self._command(new, command)

    def _command(self, execution: str, command: Any) -> None:
        key = execution.encode()
        partition = catalog.partition_of(key, self._inboxes)
        self.client.append(
            catalog.EXECUTIONS_INBOX, partition, key, encode(command), context=(execution, command), message=command
        )

    def _client_polls(self) -> None:
        for ack in self.client.poll():
            if ack.offset is not None and ack.context and isinstance(ack.context[1], c.CreateExecution):
                self.acknowledged.add(ack.context[0])

    def folder_discarded(self, folder: str) -> None:
        """A worker removes a shared folder: the moment from which on nobody may want it."""
        self._say(f"the folder {folder} is removed")
        self.discarded.add(folder)

    def attempt_begins(self, key: AttemptKey, worker_id: str, folder: str) -> None:
        """A worker starts an attempt for real: the moment that I2, I3 and I13 are about."""
        _execution, run, epoch = key
        self._say(f"{worker_id} runs {run} attempt {epoch}")
        if (run, epoch) in self.begun:
            raise Violation(f"I2: attempt {epoch} of {run} runs at {worker_id} and ran at {self.begun[run, epoch]}")
        self.begun[run, epoch] = worker_id
        self.observer.catch_up()
        if self.observer.started.get((run, epoch)) != worker_id:
            raise Violation(f"I2: {worker_id} runs attempt {epoch} of {run} without a counted claim")
        if self.observer.current.get(run) != epoch:
            raise Violation(f"I3: {worker_id} runs attempt {epoch} of {run}, which is over")
        if key[0] in self.observer.settled:
            raise Violation(f"I3: {worker_id} runs {run} although its execution is over")
        if folder in self.discarded:
            raise Violation(f"I13: {worker_id} runs attempt {epoch} of {run} in a folder that was removed")

    # ---- the calm after the storm -------------------------------------------------------------------------------

    def _calm(self) -> None:
        self.faults.rates = FaultRates()
        self.seams.rate = 0.0
        self.log.settle()
        for process in [*self.executors, *self.workers]:
            process.frozen = False
        self._client_polls()
        members = [*self.executors, *self.workers]
        for step in range(CALM_STEPS):
            busy = False
            for process in members:
                process.run()
            if step % 8 == 7:
                busy = self._all_over(resume=True)
                self._pass_time(self._until_next_ms())
            if busy:
                break
        self.observer.catch_up()
        self._check_liveness()

    def _until_next_ms(self) -> int:
        """Return how long nothing would happen, so that the calm needn't be stepped through."""
        due = [1_000]
        for partition in self._owned():
            due.append(max(partition.timers.next_ms() - self.now_ms, 1))
        for worker in self.workers:
            if worker.runner is not None and (next_ms := worker.runner.next_ms()) is not None:
                due.append(max(next_ms - self.monotonic_ms, 1))
        return min(due)

    def _owned(self) -> list[Any]:
        alive = [process.executor for process in self.executors if process.executor is not None]
        return [partition for executor in alive for partition in executor.owned()]

    def _all_over(self, *, resume: bool) -> bool:
        """Tell whether every execution is over; those that a person paused are resumed."""
        self.observer.catch_up()
        open_ones = [x for x in self.observer.created if x not in self.observer.settled]
        if resume:
            for execution in open_ones:
                states = [
                    str(event.state)
                    for step in self.observer.steps[execution]
                    for event in step.events
                    if type(event).__name__ == "ExecutionStateChanged"
                ]
                if states and states[-1] == "PAUSED":
                    self._command(execution, c.ResumeExecution())
        missing = (self.acknowledged | self.observer.asked) - set(self.observer.created)
        if self.now_ms <= DATES_MS[-1] or self.observer.dates < len(DATES_MS):
            return False
        return not open_ones and not missing and not any(len(partition.requests) for partition in self._owned())

    def _check_liveness(self) -> None:
        missing = sorted(self.acknowledged - set(self.observer.created))
        if missing:
            raise Violation(f"I1: acknowledged and never created: {missing}")
        lost = sorted(self.observer.asked - set(self.observer.created))
        if lost or self.observer.dates != len(DATES_MS):
            told = f"{self.observer.dates} of {len(DATES_MS)} dates came"
            raise Violation(f"I9: triggers asked for {lost}, which were never created; {told}")
        stuck = sorted(x for x in self.observer.created if x not in self.observer.settled)
        if stuck:
            raise Violation(f"I1: never over: {stuck}")
        if self.observer.places:
            raise Violation(f"I10: slots that never came back: {sorted(self.observer.places)}")
        for caller, child, state in self.observer.heard:
            never_was = child not in self.observer.created and state == "KILLED"
            if state not in self.observer.ends.get(child, ()) and not never_was:
                raise Violation(f"I1: {caller} heard that {child} ended {state}, but it ended otherwise")

    # ---- afterwards ---------------------------------------------------------------------------------------------

    def digest(self) -> str:
        """Return a hash of everything that was appended: equal for equal seeds."""
        total = blake2b(digest_size=16)
        for topic in sorted(catalog.BY_NAME):
            for number in range(self.log.partitions(topic)):
                for record in self.log.find((topic, number)).records:
                    total.update(record.topic.encode() + record.key + record.value + record.at_ms.to_bytes(8, "big"))
        return total.hexdigest()

    def _say(self, line: str) -> None:
        if self.trace is not None:
            self.trace(f"{self.now_ms - EPOCH_MS:>8} {line}")
