"""What a render can see: variables, the time, chance, and the functions that reach the world.

Owns the `Scope`. Doesn't own where variables come from (`engine/execution`) nor the world's
functions (workers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.values import Dialect


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a template can read.

    Args:
        variables: Top-level names. Values are JSON-like; any `Mapping` may be lazy, keys are fetched one by one.
        now_ms: The time, milliseconds since the epoch; `now()` says nothing else.
        entropy: What random values are derived from; the same entropy gives the same values again.
        world: Implementations of functions that reach outside (`kv`, `secret`, `read`, `http` …), called with the
            arguments given as keywords under their names in the language. One that is absent raises `NeedsWorld`.
        dialect: Dialect of the templates inside data that `render_value` renders.
        time_zone: Zone (IANA name) of dates that are formatted without one.
    """

    variables: Mapping[str, Any]
    now_ms: int
    entropy: bytes | str = ""
    world: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    dialect: Dialect = Dialect.V1
    time_zone: str = "UTC"
