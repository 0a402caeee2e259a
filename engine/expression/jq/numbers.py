"""jq functions on numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from engine.expression.jq.functions import builtin, refusal
from engine.expression.jq.machine import Builtin
from engine.expression.jq.values import is_number, number

if TYPE_CHECKING:
    from engine.expression.state import Run

NUMBERS: dict[str, Builtin] = {}
"""Functions by `name/arity`."""

F = TypeVar("F", bound=Callable[..., Any])


def _declare(key: str) -> Callable[[F], F]:
    def declare(function: F) -> F:
        NUMBERS[key] = builtin(function, int(key.rpartition("/")[2]))
        return function

    return declare


@_declare("infinite/0")
def _infinite(run: Run, value: Any) -> Any:
    return math.inf


@_declare("nan/0")
def _nan(run: Run, value: Any) -> Any:
    return math.nan


def _numeric(name: str, function: Callable[..., float], arity: int = 0) -> None:
    def apply(run: Run, value: Any, *given: Any) -> Any:
        operands = given or (value,)
        for each in operands:
            if not is_number(each):
                raise refusal(run, each, "number required")
        try:
            return number(float(function(*operands)))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    NUMBERS[f"{name}/{arity}"] = builtin(apply, arity)


for _name, _function in {
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda value: math.copysign(math.floor(abs(value) + 0.5), value),
    "trunc": math.trunc,
    "fabs": math.fabs,
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "exp": math.exp,
    "exp2": math.exp2,
    "exp10": lambda value: 10.0**value,
    "log": lambda value: math.log(value) if value else -math.inf,
    "log2": lambda value: math.log2(value) if value else -math.inf,
    "log10": lambda value: math.log10(value) if value else -math.inf,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
}.items():
    _numeric(_name, lambda value, function=_function: value if abs(value) == math.inf else function(value))


def _power(base: float, exponent: float) -> float:
    return float(base) ** float(exponent) if base >= 0 or float(exponent).is_integer() else math.nan


_numeric("pow", _power, 2)
_numeric("fmod", math.fmod, 2)
_numeric("atan2", math.atan2, 2)
_numeric("fmin", min, 2)
_numeric("fmax", max, 2)


@_declare("abs/0")
def _abs(run: Run, value: Any) -> Any:
    if not is_number(value):
        raise refusal(run, value, "has no absolute value")
    return abs(value)


def _question(name: str, function: Callable[[float], bool]) -> None:
    @_declare(f"{name}/0")
    def apply(run: Run, value: Any) -> Any:
        if not is_number(value):
            raise refusal(run, value, "number required")
        return function(value)


_question("isinfinite", lambda value: abs(value) == math.inf)
_question("isnan", lambda value: value != value)
_question("isnormal", lambda value: value == value and abs(value) != math.inf and value != 0)
