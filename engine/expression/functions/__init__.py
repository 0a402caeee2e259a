"""All functions by name, except those that reach the world (`world.py`)."""

from __future__ import annotations

from engine.expression.functions import values
from engine.expression.registry import Registry

FUNCTIONS = Registry()
for _module in (values,):
    FUNCTIONS.update(_module.FUNCTIONS)

RERENDERS = frozenset({"render", "renderOnce"})
"""Functions that render templates found in values."""

READS: dict[str, tuple[tuple[str, ...], ...]] = {"tasksWithState": (("tasks",),)}
"""Variables that functions read by themselves."""
