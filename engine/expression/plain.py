"""Values without this language's own kinds: what leaves a template for the rest of the program."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.expression.errors import Failure
from engine.expression.printing import MAX_DATA_DEPTH, Counter, Entry, to_text

_PLAIN = frozenset({str, int, bool, float, type(None)})


def plain_value(run: Counter, value: Any, depth: int = 0) -> Any:
    """Return a value as `dict`, `list`, `str`, `int`, `float`, `bool` or None; anything else is passed through.

    Raises:
        Failure: If it nests too deep.
    """
    if type(value) in _PLAIN:
        return value
    run.charge(1)
    if depth > MAX_DATA_DEPTH:
        raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (float, Decimal)):
        return float(value)
    if isinstance(value, Entry):
        value = {value.key: value.value}
    if isinstance(value, Mapping):
        return {
            key if type(key) is str else to_text(run, key): plain_value(run, each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain_value(run, each, depth + 1) for each in value]
    return value
