"""What generated code calls. Each takes the run and the offset of what it evaluates, then its operands.

Owns evaluation: counting a step, taking names from scopes, saying where something failed, and the operators that don't
evaluate all their operands (`LAZY`: generated code hands those over as functions). Tags are `statements.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from engine.expression.access import Absent, call_method, key_text, take
from engine.expression.arithmetic import OPERATORS, add, calculate
from engine.expression.errors import Failure, MissingError, NeedsWorld
from engine.expression.filters import FILTERS
from engine.expression.functions import FUNCTIONS
from engine.expression.numbers import Long
from engine.expression.plain import plain_value
from engine.expression.predicates import TESTS
from engine.expression.printing import java_text
from engine.expression.state import Run
from engine.expression.truth import operand_is_true

Lazy = Callable[[], Any]

_MISUSE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, AssertionError)
"""What a function raises when it is handed something it wasn't written for."""


def path(run: Run, position: int, *names: str) -> Any:
    """Return a variable, and what lies under the constant keys behind it."""
    run.steps -= 1
    if run.steps < 0:
        run.charge(0)
    name = names[0]
    for frame in reversed(run.frames):
        if name in frame:
            value = frame[name]
            break
    else:
        try:
            value = run.variables[name]
        except KeyError:
            raise run.missing(position, name, chain(*run.frames, run.variables)) from None
    if len(names) == 1:
        return value
    for index in range(1, len(names)):
        key = names[index]
        if type(value) is dict and key in value:
            value = value[key]
        else:
            value = _taken(run, position, value, key, ".".join(names[:index]))
    return value


def _taken(run: Run, position: int, value: Any, key: Any, where: str) -> Any:
    if value is None:
        raise run.missing(position, key_text(run, key), (), f"{where or 'the value'} (null)")
    try:
        return take(run, value, key)
    except Absent as absent:
        raise run.missing(position, key_text(run, key), absent.known, where or "the value") from None


def attribute(run: Run, position: int, value: Any, key: Any) -> Any:
    """Return what lies under an evaluated key."""
    run.charge(1)
    return _taken(run, position, value, key, "")


def method(run: Run, position: int, name: str, value: Any, *arguments: Any) -> Any:
    """Return the result of one of the methods that values have."""
    run.charge(1 + (len(value) >> 8 if type(value) is str else 0))
    if value is None:
        raise run.missing(position, name, (), "the value (null)")
    try:
        return call_method(run, value, name, arguments)
    except Absent as absent:
        raise run.missing(position, name, absent.known, "the value") from None
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, f"{name}(): {failure}") from None


def operate(run: Run, position: int, operator: str, left: Any, right: Any) -> Any:
    """Return `left operator right`."""
    run.charge(1 + (len(left) >> 8 if type(left) is str else 0))
    try:
        return OPERATORS[operator](run, left, right)
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, str(failure)) from None


def total(run: Run, position: int, first: Any, *others: Any) -> Any:
    """Return a chain of `+`, left to right."""
    run.charge(len(others))
    try:
        for each in others:
            first = add(run, first, each)
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, str(failure)) from None
    return first


def joined(run: Run, position: int, *parts: Any) -> str:
    """Return a chain of `~`: texts in a row, null being nothing, lists and maps as Java writes them."""
    run.charge(len(parts))
    try:
        texts = [each if type(each) is str else java_text(run, each) for each in parts if each is not None]
    except Failure as failure:
        raise run.error(position, str(failure)) from None
    run.grow(sum(map(len, texts)))
    return "".join(texts)


def negative(run: Run, position: int, value: Any) -> Any:
    """Return `-value`."""
    return _signed(run, position, Long(-1), value)


def positive(run: Run, position: int, value: Any) -> Any:
    """Return `+value`."""
    return _signed(run, position, Long(1), value)


def _signed(run: Run, position: int, sign: int, value: Any) -> Any:
    run.charge(1)
    try:
        return calculate(run, "*", sign, value)
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, str(failure)) from None


def truth(run: Run, position: int, value: Any) -> bool:
    """Return whether a condition holds."""
    if value is True or value is False:
        return value is True
    try:
        return operand_is_true(value)
    except Failure as failure:
        raise run.error(position, str(failure)) from None


def choice(run: Run, position: int, value: Any) -> bool:
    """Return whether `? :` takes its first branch: unlike other conditions it takes null, as false."""
    return value is not None and truth(run, position, value)


def negation(run: Run, position: int, value: Any) -> bool:
    """Return `not value`."""
    run.charge(1)
    return not truth(run, position, value)


def all_of(run: Run, position: int, *operands: Lazy) -> bool:
    """Return a chain of `and`."""
    run.charge(1)
    return all(truth(run, position, operand()) for operand in operands)


def any_of(run: Run, position: int, *operands: Lazy) -> bool:
    """Return a chain of `or`."""
    run.charge(1)
    return any(truth(run, position, operand()) for operand in operands)


def _or_missing(run: Run, operand: Lazy) -> tuple[bool, Any]:
    """Return whether an operand has a value, and the value; scopes are as before if it hasn't."""
    frames, variables, depth, template, kept = run.frames, run.variables, run.depth, run.template, run.kept
    height = len(frames)
    try:
        return True, operand()
    except MissingError:
        del frames[height:]
        run.frames, run.variables, run.depth, run.template, run.kept = frames, variables, depth, template, kept
        return False, None


def coalesce(run: Run, position: int, left: Lazy, right: Lazy) -> Any:
    """Return `left ?? right`: the right side if the left is null or missing."""
    run.charge(1)
    value = _or_missing(run, left)[1]
    return right() if value is None else value


def coalesce_undefined(run: Run, position: int, left: Lazy, right: Lazy) -> Any:
    """Return `left ??? right`: the right side if the left is missing; null stays."""
    run.charge(1)
    found, value = _or_missing(run, left)
    return value if found else right()


def is_defined(run: Run, position: int, operand: Lazy) -> bool:
    """Return `operand is defined`: neither missing nor null."""
    run.charge(1)
    return _or_missing(run, operand)[1] is not None


def default(run: Run, position: int, operand: Lazy, *fallback: Lazy) -> Any:
    """Return the operand, or the fallback if it is missing or empty."""
    run.charge(1)
    value = _or_missing(run, operand)[1]
    if not TESTS["empty"].function(run, value):
        return value
    return fallback[0]() if fallback else None


def filtered(run: Run, position: int, name: str, value: Any, *arguments: Any) -> Any:
    """Return `value | name(arguments)`."""
    run.charge(1 + (len(value) >> 8 if type(value) is str else 0))
    try:
        return FILTERS[name].function(run, value, *arguments)
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, f"Filter '{name}': {failure}") from None


def tested(run: Run, position: int, name: str, value: Any, *arguments: Any) -> bool:
    """Return `value is name`."""
    run.charge(1)
    try:
        return bool(TESTS[name].function(run, value, *arguments))
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, f"Test '{name}': {failure}") from None


def called(run: Run, position: int, name: str, *arguments: Any) -> Any:
    """Return `name(arguments)` of a function that needs nothing but its arguments and the scope."""
    run.charge(1)
    try:
        return FUNCTIONS[name].function(run, *arguments)
    except (Failure, *_MISUSE) as failure:
        raise run.error(position, f"Function '{name}': {failure}") from None


def asked(run: Run, position: int, name: str, given: tuple[str, ...], *arguments: Any) -> Any:
    """Return `name(arguments)` of a function that reaches outside; raises `NeedsWorld` if nobody offers it."""
    run.charge(10)
    function = run.scope.world.get(name)
    if function is None:
        raise NeedsWorld(name)
    try:
        return function(**{key: plain_value(run, each) for key, each in zip(given, arguments, strict=True)})
    except (Failure, OSError, *_MISUSE) as failure:
        raise run.error(position, f"Function '{name}': {failure}") from None


def refused(run: Run, position: int, message: str, *_: Any) -> Any:
    """Raise: what was written can't be called; kept for when it is reached."""
    raise run.error(position, message)


def mapping(run: Run, position: int, *parts: Any) -> dict[Any, Any]:
    """Return a map literal; parts are keys and values in turn."""
    run.charge(1)
    try:
        return dict(zip(parts[::2], parts[1::2], strict=True))
    except TypeError:
        raise run.error(position, "A list or map can't be the key of a map") from None


def listing(run: Run, position: int, *items: Any) -> list[Any]:
    """Return a list literal."""
    run.charge(1)
    return list(items)


LAZY: frozenset[Callable[..., Any]] = frozenset({coalesce, coalesce_undefined, is_defined, default, all_of, any_of})
"""Operations whose operands come as functions."""
