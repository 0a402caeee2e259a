"""Inputs and labels of a trigger, rendered with what it reads, within bounds.

Owns the bounds and what is said when they are broken. Types and defaults come when the execution is created.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from engine import expression
from engine.flow.model import Trigger
from engine.values import to_json

INPUTS_BYTES_MAX = 1024 * 1024
"""Most that the inputs of a trigger may take: they travel in a step and in a command."""
LABELS_BYTES_MAX = 64 * 1024


class Rendered(msgspec.Struct, frozen=True):
    """What a trigger gives to the execution that it starts."""

    inputs: dict[str, Any]
    labels: dict[str, str]
    failure: str = ""
    """Why there is nothing to give: the execution can only fail."""


def rendered_of(trigger: Trigger, scope: expression.Scope, late: Collection[str] = ()) -> Rendered:
    """Return the inputs and labels of a trigger; inputs named in `late` stay as they are written."""
    try:
        inputs = {
            name: value if name in late else expression.render_value(value, scope)
            for name, value in trigger.inputs.items()
        }
        written = expression.render_value(dict(trigger.labels), scope)
    except (expression.RenderError, expression.NeedsWorld) as error:
        return Rendered({}, {}, f"Inputs or labels of trigger {trigger.id} can't be rendered: {error}")
    labels = {key: str(value) for key, value in written.items() if value != "" and not key.startswith("system.")}
    return bounded(trigger, inputs, labels)


def bounded(trigger: Trigger, inputs: Mapping[str, Any], labels: Mapping[str, str]) -> Rendered:
    """Return inputs and labels, unless they are too large or no JSON."""
    try:
        sizes = len(to_json(inputs, "The inputs")), len(to_json(labels, "The labels"))
    except ValueError as error:
        return Rendered({}, {}, f"Trigger {trigger.id}: {error}")
    for what, size, most in zip(("inputs", "labels"), sizes, (INPUTS_BYTES_MAX, LABELS_BYTES_MAX), strict=True):
        if size > most:
            return Rendered(
                {}, {}, f"Expected {what} of at most {most} bytes from trigger {trigger.id}, but got {size}"
            )
    return Rendered(dict(inputs), dict(labels))
