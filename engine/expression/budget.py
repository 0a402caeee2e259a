"""How much one render may take. The engine has no clock, so work is counted, not timed.

Generated code counts a step at every lookup, call, operator and iteration; operations whose work grows with their data
charge for its size as well. Doesn't own the counting itself (`state.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of one render.

    Args:
        steps: Lookups, calls, operators and iterations, plus one for every 256 characters or 4 elements handled.
        output_bytes: Size of the text rendered, and of every text built on the way (UTF-8).
        depth: How deep macros, blocks and `render()` may nest.
        regex_ms: CPU time that one use of a regular expression may take before it counts as runaway.
    """

    steps: int = 100_000
    output_bytes: int = 1_048_576
    depth: int = 12
    regex_ms: int = 40


DEFAULT_BUDGET = Budget()
"""Bounds that no hostile template gets past in more than some tens of milliseconds, and no sane one notices."""
