"""What goes wrong in the simulator's log, and how often; drawn from one seed.

Owns the dice. What a fault does is `memory.py`'s.
"""

from __future__ import annotations

import random

import msgspec


class FaultRates(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities between 0 and 1; with all at their defaults nothing goes wrong."""

    hold: float = 0.0
    """That an append stays in flight instead of landing at once. What the same writer appends to the same partition
    after it queues behind it."""
    land: float = 0.5
    """Per tick and queue of appends in flight: that its first one leaves the queue."""
    lose: float = 0.0
    """That an append leaving its queue never lands, though later ones do; its acknowledgement is unknown."""
    lose_stray: float = 0.3
    """The same for appends whose writer crashed."""
    unknown: float = 0.0
    """That an append lands but its acknowledgement is unknown."""
    late_ack: float = 0.0
    """Per poll of a writer: that some acknowledgements stay out until a later poll."""
    duplicate: float = 0.0
    """Per poll of a group reader and partition: that records delivered before come again."""
    redeliver: float = 0.0
    """Per record that a job source took: that somebody takes it again later."""
    short_poll: float = 0.0
    """Per poll: that it returns fewer records than it could, perhaps none."""
    forget_message: float = 0.0
    """Per record: that it comes without its decoded message."""


class Faults:
    """Dice for one run: the same seed and the same calls give the same faults.

    Args:
        seed: Any number; print it when a run fails.
        rates: How often what goes wrong.
    """

    def __init__(self, seed: int, rates: FaultRates) -> None:
        self.seed = seed
        self.rates = rates
        self._random = random.Random(seed)  # noqa: S311 - dice of a simulation, not a secret

    def happens(self, rate: float) -> bool:
        """Throw the dice. A rate of 0 throws nothing, so that a fault switched off doesn't shift the others."""
        return rate > 0.0 and self._random.random() < rate

    def below(self, bound: int) -> int:
        """Return a number from 0 to `bound` - 1."""
        return self._random.randrange(bound)


NO_FAULTS = Faults(0, FaultRates())
