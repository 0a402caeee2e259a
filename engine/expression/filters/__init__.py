"""All filters by name."""

from __future__ import annotations

from engine.expression.filters import texts
from engine.expression.registry import Registry

FILTERS = Registry()
for _module in (texts,):
    FILTERS.update(_module.FILTERS)
