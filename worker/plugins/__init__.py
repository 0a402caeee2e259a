"""The types of tasks that workers run, one module each with a `PLUGIN`.

Owns the registry. A new type is one module here and its test; tasks that the engine can decide by itself need none, see
`worker/pure.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from engine.flow.types import canonical, lookup
from worker.context import Executable, Plugin
from worker.pure import pure_executable_of

PART = "$"
"""Before it stands the type that a flow names, after it a part of such a task that no flow names."""


class Registry:
    """All types that this worker runs; made once, at the start, so that a broken module is met then.

    Raises:
        AssertionError: If a module has no `PLUGIN`, or its type is unknown, an alias, or another module's too.
    """

    def __init__(self) -> None:
        self._found: dict[str, Executable] = {}
        for module in pkgutil.iter_modules(__path__):
            plugin: Plugin[Any] | None = getattr(importlib.import_module(f"{__name__}.{module.name}"), "PLUGIN", None)
            assert plugin is not None, f"worker/plugins/{module.name}.py has no PLUGIN"
            written = plugin.type.partition(PART)[0]
            assert lookup(written) is not None, f"{written} isn't in the table of types, so no flow can use it"
            assert canonical(plugin.type) == plugin.type, f"{plugin.type} is an old name of {canonical(plugin.type)}"
            assert plugin.type not in self._found, f"{plugin.type} is defined by two modules"
            self._found[plugin.type] = plugin

    def find(self, task_type: str) -> Executable | None:
        """Return what runs a type (any of its names), None if this worker can't run it."""
        found = self._found.get(task_type)
        if found is None:
            name = canonical(task_type)
            found = self._found.get(name) or pure_executable_of(name)
            if found is not None:
                self._found[task_type] = found
        return found

    @property
    def types(self) -> list[str]:
        """Names of the types with a module of their own."""
        return sorted(self._found)
