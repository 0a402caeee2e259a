"""Flowable tasks: those whose children the engine runs. One module per flowable.

Owns what a flowable decides when it begins: which branch, which order, which values. How children then follow each
other is the same for all and lives in `engine/execution/scopes.py`. A new flowable is one module here, with a
`FLOWABLE`, and its test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from engine.expression import DEFAULT_BUDGET, Budget
from engine.flow.model import Task
from engine.modules import by_type

Render = Callable[[Any], Any]
"""Renders a property (text, list or map) with the task run's variables; raises `engine.expression.RenderError`."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How a flowable begins."""

    order: str = "sequential"
    """sequential | parallel | dag | loop | until"""
    branch: str = "tasks"
    limit: int = 0
    """Most children or iterations at once; 0: no limit."""
    inner: str = "sequential"
    """Of a loop: how the tasks of one iteration follow each other (sequential | parallel)."""
    values: tuple[str, ...] = ()
    """For a loop."""
    outputs: dict[str, Any] | None = None


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """What a flowable of order `until` says after its tasks have run once more."""

    done: bool
    error: str = ""
    """Why it fails; empty: it ends as its tasks did."""
    wait_ms: int = 0
    """If it isn't done: how long until they run again."""


class Flowable(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of flowable task."""

    types: tuple[str, ...]
    """Canonical type names."""
    open: Callable[[Task, Render], Opening]
    budget: Budget = DEFAULT_BUDGET
    """Bounds of each template that it renders when it begins."""
    tolerant: bool = False
    """True: a failure of its children makes it WARNING, not FAILED."""
    turned: Callable[[Task, Render, int, int], Turned] | None = None
    """For the order `until`: asked with the number of the turn (from 1) and the milliseconds since the first began."""
    unfolds: Callable[[Task], Mapping[str, tuple[Task, ...]]] | None = None
    """Gives the branches of a task that is more than what was written: with tasks that no flow names."""
    loops: bool = False
    """True: its children have a value, and their outputs one level more."""
    shared: bool = False
    """True: the tasks of its branch `tasks` run in one folder, each where the one before it left off."""
    prepare: tuple[str, ...] = ()
    """Properties for which a worker does something before the first child begins, as far as they are set."""
    collect: tuple[str, ...] = ()
    """Properties for which a worker does something after the last child has ended, as far as they are set."""
    order: str = "sequential"
    """The one that its openings have."""
    abreast: Callable[[Task], bool] = lambda _task: False
    """Of a loop, as far as it can be told without rendering: whether an iteration may begin before the one before it
    has ended."""
    inner: Callable[[Task], str] = lambda _task: "sequential"
    """Of a loop: how the tasks of one iteration follow each other."""


def limit_of(task: Task, name: str, render: Render, default: int) -> int:
    """Return a limit (0: none) that may be written as a number or a template.

    Raises:
        ValueError: If it is no whole number, or negative.
    """
    rendered = render(task.properties.get(name, default))
    try:
        limit = int(rendered)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected a whole number, but got {rendered!r}") from None
    if limit < 0:
        raise ValueError(f"{name}: expected 0 or more, but got {limit}")
    return limit


_FLOWABLES: dict[str, Flowable] = {}


def flowable_of(task_type: str) -> Flowable | None:
    """Return the flowable of a canonical type name, None if the type is no flowable."""
    if not _FLOWABLES:
        _FLOWABLES.update(by_type(__name__, __path__, "FLOWABLE"))
    return _FLOWABLES.get(task_type)
