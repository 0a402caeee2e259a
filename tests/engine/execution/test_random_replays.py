"""Random flows, replayed from any of their task runs and restarted on their own revision as if it was another."""

from __future__ import annotations

import random

import pytest

from engine.execution import commands as c
from engine.execution.carried import CarriedRun
from engine.execution.replay import replayed, restarted
from engine.values import UNDONE, State
from tests.engine.execution.driven import Driven
from tests.engine.execution.test_random_flows import ENDS, assert_at_rest, assert_states_follow, driven, play

SEEDS = 150
REPLAYS = 4


def another(source: Driven, runs: tuple[CarriedRun, ...]) -> Driven:
    new = Driven("tasks: [{id: t, type: Log, message: x}]", execution_id="another")
    new.flow, new.setting, new.now_ms = source.flow, source.setting, source.now_ms
    return new.create(resumes=True, carried=runs)


def assert_a_tree(run: Driven) -> None:
    assert {each.parent for each in run.runs.values()} - {None} <= run.runs.keys()


def assert_kept(run: Driven, runs: tuple[CarriedRun, ...]) -> None:
    """What was to be taken over and whose place was reached is as it was, with its outputs where templates look."""
    for each in runs:
        if each.id in run.carried and each.state.is_terminal:
            assert run.runs[each.id].state is each.state
            assert run.runs[each.id].attempts == each.attempts


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_replay_from_any_task_run_ends_as_its_tasks_say(seed: int) -> None:
    source, chance = driven(seed)
    people = chance.random() < 0.3
    play(source, chance, people=people)
    for chosen in chance.sample(sorted(source.runs), min(REPLAYS, len(source.runs))):
        runs = replayed(source.flow, source.flow, source.past(), "another", chosen)
        new = another(source, runs)
        play(new, chance, people=False)

        assert_at_rest(new)
        if not people:  # what a person stopped is KILLED whatever its tasks came to
            assert_states_follow(new)
        assert_a_tree(new)
        assert_kept(new, runs)
        restart_until_it_succeeds(new, chance)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_restart_in_a_new_execution_goes_on_until_it_succeeds(seed: int) -> None:
    source, chance = driven(seed)
    play(source, chance, people=True)
    for _ in range(40):
        if source.state not in UNDONE:
            return
        runs = restarted(source.flow, source.flow, source.past(), "another")
        new = another(source, runs)
        play(new, chance, people=False)
        assert_at_rest(new)
        assert_states_follow(new)
        assert_a_tree(new)
        assert_kept(new, runs)
        source = new
        source.id = "another"


def restart_until_it_succeeds(run: Driven, chance: random.Random) -> None:
    for _ in range(40):
        if run.state not in (State.FAILED, State.KILLED, State.CANCELLED):
            return
        run.send(c.RestartExecution())
        play(run, chance, people=False)
        assert_at_rest(run)
        assert_states_follow(run)
        assert_a_tree(run)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_task_runs_that_count_as_ended_otherwise_let_all_end_as_the_tasks_say(seed: int) -> None:
    run, chance = driven(seed)
    play(run, chance, people=False)
    for _ in range(REPLAYS):
        leaves = sorted(id for id, each in run.runs.items() if not run.flow.places[each.task].task.branches)
        if not leaves:
            return
        run.send(c.ChangeTaskRunState(task_run_id=chance.choice(leaves), state=chance.choice(ENDS)))
        play(run, chance, people=False)
        assert_at_rest(run)
        assert_a_tree(run)
        assert_states_follow(run)
