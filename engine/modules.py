"""One module per kind of task: finding them all.

Owns how `engine/flowables` and `engine/tasks` make the table of their modules, so that a new one is registered by being
there. It knows nothing of what the modules define but the type names.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any


def by_type(package: str, path: Iterable[str], attribute: str) -> dict[str, Any]:
    """Return what every module of a package defines, by each of its type names.

    Args:
        package: Full name of the package.
        path: Its `__path__`.
        attribute: Name under which each module has its definition, which has a tuple `types`.

    Raises:
        AssertionError: If two modules define one type.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(path):
        definition = getattr(importlib.import_module(f"{package}.{module.name}"), attribute)
        for name in definition.types:
            assert name not in found, f"{name} is defined by two modules of {package}"
            found[name] = definition
    return found
