"""All filters by name."""

from __future__ import annotations

from engine.expression.filters import coding, collections, data, dates, quantities, texts
from engine.expression.registry import Registry

FILTERS = Registry()
for _module in (texts, coding, collections, quantities, dates, data):
    FILTERS.update(_module.FILTERS)
