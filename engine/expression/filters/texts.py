"""Filters on texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.expression.printing import to_text
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()


@FILTERS.add("default", "default", required=1)
def _default(run: Run, value: Any, default: Any) -> Any:
    raise AssertionError("operations.default evaluates it")


@FILTERS.add("upper")
def _upper(run: Run, value: Any) -> Any:
    return None if value is None else to_text(run, value).upper()


@FILTERS.add("lower")
def _lower(run: Run, value: Any) -> Any:
    return None if value is None else to_text(run, value).lower()


@FILTERS.add("string")
def _string(run: Run, value: Any) -> Any:
    return None if value is None else to_text(run, value)
