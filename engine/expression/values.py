"""Templates inside data: every text and every map key of a JSON-like value rendered.

Owns the walk only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expression.budget import DEFAULT_BUDGET, Budget
from engine.expression.errors import RenderError
from engine.expression.scope import Scope
from engine.expression.template import compile_template

MAX_VALUE_DEPTH = 100


def render_value(value: Any, scope: Scope, budget: Budget = DEFAULT_BUDGET) -> Any:
    """Return the value with every text and map key rendered; everything else is passed through.

    Args:
        value: JSON-like data.
        scope: What the templates can see; its dialect holds for all of them.
        budget: Bounds of each single text.

    Raises:
        RenderError: From the first text that can't be rendered.
        NeedsWorld: From the first text that needs the world.
    """
    return _rendered(value, scope, budget, 0)


def _rendered(value: Any, scope: Scope, budget: Budget, depth: int) -> Any:
    if isinstance(value, str):
        return value if "{" not in value else compile_template(value, scope.dialect).render(scope, budget)
    if depth > MAX_VALUE_DEPTH:
        raise RenderError(f"Maps and lists nested deeper than {MAX_VALUE_DEPTH}")
    if isinstance(value, Mapping):
        rendered: dict[Any, Any] = {}
        for key, each in value.items():
            name = _rendered(key, scope, budget, depth + 1)
            if name not in rendered:
                rendered[name] = _rendered(each, scope, budget, depth + 1)
        return rendered
    if isinstance(value, (list, tuple)):
        return [_rendered(each, scope, budget, depth + 1) for each in value]
    return value
