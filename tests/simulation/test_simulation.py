"""The simulation in CI: 2,000 seeds hold, a seed replays bit for bit, and every planted bug is found.

`PENSTOCK_SEEDS` sets another number of seeds, `PENSTOCK_SEED_FROM` where they begin (a night's run).
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.runs import CHUNK, first_found, run_seeds

SEEDS = int(os.environ.get("PENSTOCK_SEEDS", "2000"))
FIRST = int(os.environ.get("PENSTOCK_SEED_FROM", "0"))
MUTANT_SEEDS = 400


@pytest.mark.timeout(900)
def test_every_seed_keeps_the_invariants() -> None:
    starts = range(FIRST, FIRST + SEEDS, CHUNK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        failures = [failure for chunk in pool.map(run_seeds, starts) for failure in chunk]
    assert not failures, "replay one with `python -m tests.simulation SEED`:\n" + "\n".join(failures[:10])


@pytest.mark.parametrize("seed", [3, 77, 1234])
def test_a_seed_replays_bit_for_bit(seed: int) -> None:
    with ProcessPoolExecutor(2) as pool:
        first, second = pool.map(run_digest, [seed, seed])
    assert first == second


def run_digest(seed: int) -> str:
    from tests.simulation.world import World

    world = World(seed)
    world.run()
    return world.digest()


@pytest.mark.timeout(900)
def test_every_planted_bug_is_found() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(MUTANTS, pool.map(first_found, MUTANTS, [MUTANT_SEEDS] * len(MUTANTS)), strict=True))
    missed = [name for name, seed in found.items() if seed is None]
    assert len(MUTANTS) >= 12
    assert not missed, f"the simulation can't be trusted: it doesn't find {missed} within {MUTANT_SEEDS} seeds"
