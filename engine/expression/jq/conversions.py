"""jq functions between texts, numbers and JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from engine.expression.data.json_reading import read_json
from engine.expression.errors import Failure
from engine.expression.jq.formats import plain_text
from engine.expression.jq.functions import builtin, refusal
from engine.expression.jq.machine import Builtin
from engine.expression.jq.values import JqError, is_number
from engine.expression.printing import to_json

if TYPE_CHECKING:
    from engine.expression.state import Run

CONVERSIONS: dict[str, Builtin] = {}
"""Functions by `name/arity`."""

F = TypeVar("F", bound=Callable[..., Any])


def _declare(key: str) -> Callable[[F], F]:
    def declare(function: F) -> F:
        CONVERSIONS[key] = builtin(function, int(key.rpartition("/")[2]))
        return function

    return declare


@_declare("tostring/0")
def _tostring(run: Run, value: Any) -> Any:
    return plain_text(run, value)


@_declare("tonumber/0")
def _tonumber(run: Run, value: Any) -> Any:
    if is_number(value):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > 300 or "_" in text or text.lower().lstrip("+-") in ("inf", "infinity", "nan"):
        raise refusal(run, value, "cannot be parsed as a number")
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise refusal(run, value, "cannot be parsed as a number") from None


@_declare("tojson/0")
def _tojson(run: Run, value: Any) -> Any:
    return to_json(run, value)


@_declare("fromjson/0")
def _fromjson(run: Run, value: Any) -> Any:
    if not isinstance(value, str):
        raise refusal(run, value, "only strings can be parsed")
    try:
        return read_json(run, value)
    except Failure as failure:
        raise JqError(str(failure)) from None
