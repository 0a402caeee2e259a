"""Running many seeds, in processes of their own."""

from __future__ import annotations

import logging

from tests.simulation.mutants import planted
from tests.simulation.replay import check
from tests.simulation.world import World

CHUNK = 50
"""Seeds per task of the pool: some seconds."""


def run_seeds(first: int) -> list[str]:
    """Run a chunk of seeds; return a line for each that fails."""
    logging.disable(logging.CRITICAL)
    failures = []
    for seed in range(first, first + CHUNK):
        world = World(seed)
        try:
            world.run()
            check(world)
        except Exception as error:
            failures.append(f"seed {seed}: {type(error).__name__}: {error}")
    return failures


def first_found(mutant: str, seeds: int) -> int | None:
    """Return the first seed that finds a planted bug, None if none does."""
    logging.disable(logging.CRITICAL)
    with planted(mutant):
        for seed in range(seeds):
            world = World(seed)
            try:
                world.run()
                check(world)
            except Exception:
                return seed
    return None
