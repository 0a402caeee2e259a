"""`python -m tests.simulation SEED [MUTANT]` replays one seed and prints what happens."""

from __future__ import annotations

import sys

from tests.simulation.replay import check
from tests.simulation.world import World

world = World(int(sys.argv[1]), trace=print)
world.run()
check(world)
print("digest", world.digest())
