"""What parsers of all types share: showing a value in an error, and checking declared bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

Properties = Mapping[str, Any]
"""What the type of an input knows besides: bounds, validator, values …"""


def shown(value: Any) -> str:
    """Return a value for an error, cut."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return repr(text if len(text) <= 60 else text[:60] + "…")


def check_bounds(value: Any, properties: Properties, low: str, high: str, parse: Callable[[Any], Any]) -> None:
    """Check the bounds that the input declares, both included. Raises ValueError if the value is outside."""
    least, most = properties.get(low), properties.get(high)
    if least is not None and value < parse(least):
        raise ValueError(f"Expected '{low}' {least} or more, but got {_plain(value)}")
    if most is not None and value > parse(most):
        raise ValueError(f"Expected '{high}' {most} or less, but got {_plain(value)}")


def _plain(value: Any) -> str:
    return instant_text(value) if isinstance(value, datetime) else str(value)


def instant_text(at: datetime) -> str:
    """Return a point in time as Java writes it."""
    text = at.isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"
