"""Which property an expression that failed was written in.

An error knows its template's text, not where the text stands: templates are compiled once for all places that share
them. So whoever renders a task's properties looks for the text in them, and only when something failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expression.errors import RenderError


def with_property(error: Exception, properties: Mapping[str, Any]) -> str:
    """Return the error's sentence, after the path of the property whose template failed if that is found.

    Example:
        >>> with_property(RenderError("No such thing", "{{ x }}"), {"headers": {"to": "{{ x }}"}})
        'headers.to: No such thing'
    """
    if not isinstance(error, RenderError) or not error.template:
        return str(error)
    path = _path(properties, error.template)
    return f"{path.removeprefix('.')}: {error}" if path else str(error)


def _path(value: Any, template: str) -> str | None:
    """Return the way from a value to the text, empty if the value is it, None if it isn't there."""
    if isinstance(value, str):
        return "" if value == template else None
    if isinstance(value, Mapping):
        steps = [(f".{key}", each) for key, each in value.items()]
        if template in value:
            return f".{template}"
    elif isinstance(value, (list, tuple)):
        steps = [(f"[{index}]", each) for index, each in enumerate(value)]
    else:
        return None
    for step, each in steps:
        rest = _path(each, template)
        if rest is not None:
            return step + rest
    return None
