"""All functions by name, except those that reach the world (`world.py`)."""

from __future__ import annotations

from engine.expression.functions import calendar, chance, execution, values
from engine.expression.registry import Registry

FUNCTIONS = Registry()
for _module in (values, chance, calendar, execution):
    FUNCTIONS.update(_module.FUNCTIONS)

RERENDERS = frozenset({"render", "renderOnce"})
"""Functions that render templates found in values."""

READS_ALL = frozenset({"printContext", "fetchContext"})
"""Functions that read every variable there is."""

READS: dict[str, tuple[tuple[str, ...], ...]] = {
    "tasksWithState": (("tasks",),),
    "currentEachOutput": (("parents",), ("taskrun", "value")),
}
"""Variables that functions read by themselves."""
