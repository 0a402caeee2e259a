"""Random flows with random workers and random people: whatever happens, what must hold holds."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest

from engine.execution import commands as c
from engine.execution import effects as f
from engine.execution import events as e
from engine.execution.asking import COLLECT, PREPARE, asked_templates
from engine.flow.model import Flow, Retry, Task, build_flow
from engine.values import State
from tests.engine.execution.driven import CORE, Driven, TaskRunView

ENDS = [State.SUCCESS] * 6 + [State.FAILED, State.FAILED, State.WARNING]
SEEDS = 150

STATUS = "io.kestra.plugin.core.condition.ExecutionStatus"
LISTENERS = [{"conditions": [{"type": STATUS, "in": ["SUCCESS", "KILLED"]}]}, {}]
AFTER = ("listeners.0", "listeners.1", "afterExecution")


class Maker:
    """Makes a flow from a seed."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.number = 0

    def flow(self) -> Flow:
        branches = {"tasks": self.tasks(0, 4)}
        for name in ("errors", "finally", *AFTER):
            if self.chance.random() < 0.4:
                branches[name] = self.tasks(1, 2)
        retry = Retry(interval_ms=500, max_attempts=2) if self.chance.random() < 0.2 else None
        return build_flow(id="flow", namespace="test", branches=branches, retry=retry, extra={"listeners": LISTENERS})

    def tasks(self, depth: int, most: int) -> tuple[Task, ...]:
        return tuple(self.task(depth) for _ in range(self.chance.randint(1, most)))

    def task(self, depth: int) -> Task:
        self.number += 1
        chance = self.chance
        fields = {
            "id": f"t{self.number}",
            "allow_failure": chance.random() < 0.1,
            "allow_warning": chance.random() < 0.1,
            "disabled": chance.random() < 0.05,
            "run_if": chance.choice([None] * 9 + ["{{ false }}", "{{ kv('k') }}"]),
        }
        kind = chance.choice(LEAVES if depth >= 3 or chance.random() < 0.5 else FLOWABLES)
        if kind in LEAVES:
            if chance.random() < 0.3:
                fields["retry"] = Retry(interval_ms=chance.choice([0, 1000]), max_attempts=chance.randint(1, 3))
            properties = {
                "Work": {},
                "Return": {"format": "{{ taskrun.id }}"},
                "Fail": {"condition": "{{ taskrun.attemptsCount == 0 }}"},
                "Sleep": {"duration": "PT3S"},
                "Pause": {"pauseDuration": "PT5S"},
            }[kind]
            type_ = {"Work": "x.Work", "Return": CORE + "debug.Return", "Fail": CORE + "execution.Fail"}.get(kind)
            return Task(**fields, type=type_ or f"{CORE}flow.{kind}", properties=properties)
        return self.flowable(kind, fields, depth)

    def flowable(self, kind: str, fields: dict[str, object], depth: int) -> Task:
        chance = self.chance
        branches = {"tasks": self.tasks(depth + 1, 3)}
        properties: dict[str, object] = {}
        if kind == "If":
            branches = {"then": branches["tasks"], "else": self.tasks(depth + 1, 2)}
            properties = {"condition": chance.choice(["true", "false", "{{ kv('k') }}"])}
        elif kind == "Parallel":
            properties = {"concurrent": chance.randint(0, 2)}
        elif kind == "ForEach":
            values = [str(n) for n in range(chance.randint(0, 5))]
            properties = {"values": values, "concurrencyLimit": chance.randint(0, 3)}
        elif kind == "LoopUntil":
            most = chance.randint(1, 3)
            condition = chance.choice(["false", "false", "{{ kv('k') }}"])
            properties = {"condition": condition, "checkFrequency": {"interval": "PT1S", "maxIterations": most}}
        elif kind == "Dag":
            tasks = branches["tasks"]
            depending = [
                Task(**{**_fields(task), "depends_on": tuple(t.id for t in tasks[:n] if chance.random() < 0.6)})
                for n, task in enumerate(tasks)
            ]
            branches = {"tasks": tuple(depending)}
        elif kind == "WorkingDirectory":
            properties = {name: chance.choice([None, {"a": "b"}]) for name in ("inputFiles", "outputFiles")}
        for name in ("errors", "finally"):
            if chance.random() < 0.2:
                branches[name] = self.tasks(depth + 1, 2)
        return Task(**fields, type=f"{CORE}flow.{kind}", properties=properties, branches=branches)  # type: ignore[arg-type]


def _fields(task: Task) -> dict[str, object]:
    return {name: getattr(task, name) for name in task.__struct_fields__}


LEAVES = ("Work", "Work", "Work", "Return", "Fail", "Sleep", "Pause")
FLOWABLES = ("Sequential", "Parallel", "ForEach", "If", "AllowFailure", "Dag", "LoopUntil", "WorkingDirectory")


def driven(seed: int) -> tuple[Driven, random.Random]:
    chance = random.Random(seed)
    run = Driven("tasks: [{id: t, type: Log, message: x}]")
    run.flow = Maker(chance).flow()
    run.setting = type(run.setting)(flow=run.flow, kill_grace_ms=2_000)
    return run.create(), chance


def play(run: Driven, chance: random.Random, *, people: bool) -> None:
    """Let everything happen in a random order until nothing is left to happen."""
    held: list[tuple[str, int, str]] = []
    for _ in range(3_000):
        choices = []
        if run.waiting:
            choices += ["claim"] * 4
        if held:
            choices += ["report"] * 4 + ["lose"]
        due = [due_ms for due_ms in run.timers().values() if due_ms <= run.now_ms]
        if due or (run.timers() and not held and not run.waiting):
            choices += ["fire"] * 2
        if people and not run.header.settled and chance.random() < 0.2:
            choices += [chance.choice(["kill", "pause", "resume", "resume"])] * 3
        if not choices:
            if run.header.held:
                choices = ["resume"]
            else:
                return
        one(run, chance, chance.choice(choices), held)
    raise AssertionError(f"it never comes to rest: {run.states()}")


def one(run: Driven, chance: random.Random, choice: str, held: list[tuple[str, int, str]]) -> None:
    if choice == "claim":
        bell = run.waiting.pop(chance.randrange(len(run.waiting)))
        worker = f"w{chance.randint(1, 3)}"
        job = run.claim(bell, worker)
        if job is not None:
            assert f.DiscardFolder(folder=job.folder) not in run.effects, "it runs in a folder that was removed"
            held.append((bell.task_run_id, bell.epoch, worker))
    elif choice == "report":
        id, epoch, worker = held.pop(chance.randrange(len(held)))
        row = run.rows.get(f"t/{id}")
        answer, state, error = b"", chance.choice(ENDS), ""
        if row is not None and row.asking in (PREPARE, COLLECT):
            error = "no room" if state is State.FAILED else ""
        elif row is not None and row.asking:
            asked = asked_templates(run.flow.places[row.task_id].task, row.asking, run.setting)
            rendered = [chance.choice(["true", "false"]) for _ in asked]
            answer, state = msgspec.json.encode({"rendered": rendered}), State.SUCCESS
        said = {"state": state, "outputs_json": answer, "error": error}
        run.send(c.ReportTaskEnded(task_run_id=id, epoch=epoch, worker_id=worker, **said))
    elif choice == "lose":
        id, epoch, worker = held.pop(chance.randrange(len(held)))
        run.send(c.AttemptLost(task_run_id=id, epoch=epoch, worker_id=worker, started=chance.random() < 0.7))
    elif choice == "fire":
        run.fire_next()
    else:
        run.send({"kill": c.KillExecution, "pause": c.PauseExecution, "resume": c.ResumeExecution}[choice]())


def assert_at_rest(run: Driven) -> None:
    assert run.header.settled, run.states()
    assert run.timers() == {}
    assert run.header.paused == 0
    assert all(view.state.is_terminal for view in run.runs.values()), run.states()
    assert all(row.closed is not None or row.id == "root" for key, row in run.rows.rows.items() if key[0] == "s")


def expected(states: list[State]) -> State:
    for state in (State.KILLED, State.FAILED, State.CANCELLED, State.WARNING):
        if state in states:
            return state
    return State.SUCCESS


def assert_states_follow(run: Driven) -> None:
    """The execution, and every flowable, came to what the children of its tasks came to."""
    first = [view.state for view in run.runs.values() if view.parent is None and place(run, view) == "tasks"]
    assert run.state is expected(first), (run.state, run.states())
    for view in run.runs.values():
        task = run.flow.places[view.task].task
        children = [each for each in run.runs.values() if each.parent == view.id]
        if not task.branches or view.state is State.SKIPPED or view.error:
            continue
        state = expected([each.state for each in children if place(run, each) not in ("errors", "finally")])
        if state is State.FAILED and task.type.endswith("AllowFailure"):
            state = State.WARNING
        if state is State.FAILED and task.allow_failure:
            state = State.WARNING
        if state is State.WARNING and task.allow_warning:
            state = State.SUCCESS
        assert view.state is state, (view.task, view.state, state, run.states())


def place(run: Driven, view: TaskRunView) -> str:
    return run.flow.places[view.task].branch


def top(run: Driven, view: TaskRunView) -> str:
    """Return which branch of the flow a task run is below."""
    return place(run, view) if view.parent is None else top(run, run.runs[view.parent])


def assert_order(run: Driven) -> None:
    """Children begin after their parent and end before it; children of a sequence don't overlap."""
    begun: dict[str, int] = {}
    ended: dict[str, int] = {}
    for number, event in enumerate(run.events):
        if isinstance(event, e.TaskRunCreated | e.TaskRunDecided):
            begun[event.task_run_id] = number
        if isinstance(event, e.TaskRunEnded | e.TaskRunDecided):
            assert event.task_run_id not in ended, "ended twice"
            ended[event.task_run_id] = number
    for view in run.runs.values():
        if view.parent is not None:
            assert begun[view.parent] < begun[view.id]
            assert ended[view.id] < ended[view.parent]
    for parent in {view.parent for view in run.runs.values()}:
        kind = "" if parent is None else run.flow.places[run.runs[parent].task].task.type
        if kind.endswith(("Parallel", "Dag", "ForEach")):
            continue
        children = sorted((begun[v.id], ended[v.id]) for v in run.runs.values() if v.parent == parent)
        assert all(one[1] < two[0] for one, two in pairwise(children))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_flow_ends_as_its_tasks_say(seed: int) -> None:
    run, chance = driven(seed)
    play(run, chance, people=False)

    assert_at_rest(run)
    assert_states_follow(run)
    assert_order(run)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_people_may_kill_pause_and_resume_at_any_time_and_restart_until_it_succeeds(seed: int) -> None:
    run, chance = driven(seed)
    play(run, chance, people=True)
    assert_at_rest(run)
    killed = [number for number, event in enumerate(run.events) if getattr(event, "state", "") is State.KILLING]
    for event in run.events[killed[0] :] if killed else ():
        assert not isinstance(event, e.TaskDispatched) or top(run, run.runs[event.task_run_id]) in AFTER

    for _ in range(40):
        if run.state not in (State.FAILED, State.KILLED, State.CANCELLED):
            break
        run.send(c.RestartExecution())
        assert run.state is not State.RESTARTED
        play(run, chance, people=False)
        assert_at_rest(run)
        assert_states_follow(run)
    assert run.state in (State.SUCCESS, State.WARNING), run.states()
