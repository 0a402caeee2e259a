"""JSON text to values, bounded by the run's budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from engine.expression.errors import Failure, quoted

if TYPE_CHECKING:
    from engine.expression.state import Run


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def read_json(run: Run, text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        Failure: If it isn't JSON; blank text isn't.
    """
    run.grow(len(text))
    run.charge(len(text) >> 5)
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Failure(f"{quoted(text)} is no JSON{_place(error)}") from None


def _place(error: Exception) -> str:
    """Return where the text is wrong; the reader's own words may hold parts of it."""
    return f" (character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
