"""jq 1.6's language on plain values: `run_jq(run, '.a[] | select(.b > 1)', value)`.

Owns a front end, an evaluator that follows paths, and the functions people use. Left out: modules, input streams,
`$__loc__`, SQL-style operators, `getpath/1` in assignments to slices of slices. Everything is counted by the run that
asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure, quoted
from engine.expression.jq.control import CONTROL
from engine.expression.jq.conversions import CONVERSIONS
from engine.expression.jq.functions import FUNCTIONS
from engine.expression.jq.machine import Machine, Scope
from engine.expression.jq.nodes import HANDLERS
from engine.expression.jq.numbers import NUMBERS
from engine.expression.jq.parser import parse
from engine.expression.jq.prelude import PRELUDE
from engine.expression.jq.texts import TEXTS
from engine.expression.jq.updates import UPDATES
from engine.expression.jq.values import BreakError, JqError
from engine.expression.printing import MAX_DATA_DEPTH, Entry, scalar_text

if TYPE_CHECKING:
    from engine.expression.state import Run

BUILTINS = {**PRELUDE, **CONTROL, **FUNCTIONS, **NUMBERS, **CONVERSIONS, **TEXTS, **UPDATES}


def run_jq(run: Run, program: str, value: Any) -> list[Any]:
    """Return all results of a jq program.

    Args:
        run: Whose budget counts.
        program: jq source.
        value: Its input; entries of maps that are null aren't seen, as anywhere else in this language.

    Raises:
        Failure: If the program can't be parsed or fails.
    """
    machine = Machine(run, BUILTINS, HANDLERS)
    results: list[Any] = []
    try:
        for result in machine.values(parse(program), Scope(), plain(run, value)):
            run.fill(1)
            results.append(result)
    except JqError as error:
        raise Failure(f"jq {quoted(program)}: {error}") from None
    except BreakError:
        raise Failure(f"jq {quoted(program)}: break without its label") from None
    except RecursionError:
        raise Failure(f"jq {quoted(program)}: nested too deeply") from None
    return results


def plain(run: Run, value: Any, depth: int = 0) -> Any:
    """Return a value as jq knows values: dict, list, str, int, float, bool, None."""
    run.charge(2)
    if depth > MAX_DATA_DEPTH:
        raise Failure(f"Maps and lists nested deeper than {MAX_DATA_DEPTH}")
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value
    if isinstance(value, Entry):
        value = {value.key: value.value}
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else scalar_text(run, key): plain(run, each, depth + 1)
            for key, each in value.items()
            if each is not None
        }
    if isinstance(value, (list, tuple)):
        return [plain(run, each, depth + 1) for each in value]
    text = scalar_text(run, value)
    try:
        return float(text)
    except ValueError:
        return text
