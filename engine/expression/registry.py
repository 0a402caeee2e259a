"""How filters, functions and tests are declared: a name, the names of their arguments, a Python function.

Owns the declaration and the binding of written arguments to positions. The functions themselves live in `filters/`,
`functions/` and `predicates.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from engine.expression.tree import Arguments, Expression, Literal
from engine.values import Dialect

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """A filter, function or test.

    Args:
        name: As templates call it.
        parameters: Names of its arguments in order; None if it takes any number, unnamed.
        function: Called with the run, the value (filters and tests only), then the arguments by position.
        required: How many arguments it can't do without.
        dialect: The only dialect that has it, None for both.
    """

    name: str
    parameters: tuple[str, ...] | None
    function: Callable[..., Any]
    required: int = 0
    dialect: Dialect | None = None


class Registry(dict[str, Operation]):
    """Operations by name."""

    def add(self, name: str, *parameters: str, required: int = 0, dialect: Dialect | None = None) -> Callable[[F], F]:
        """Return a decorator that declares a function under a name, with the names of its arguments."""

        def declare(function: F) -> F:
            self[name] = Operation(name, parameters, function, required, dialect)
            return function

        return declare

    def add_variadic(self, name: str) -> Callable[[F], F]:
        """Return a decorator that declares a function which takes any number of unnamed arguments."""

        def declare(function: F) -> F:
            self[name] = Operation(name, None, function)
            return function

        return declare


class BindingError(Exception):
    """Arguments that an operation doesn't take; known when a template is compiled, raised when it is reached."""


def bind(operation: Operation, given: Arguments) -> tuple[Expression, ...]:
    """Return the arguments by position, null where one was left out before another.

    Raises:
        BindingError: If there are too many, too few, or a name that the operation doesn't have.
    """
    if operation.parameters is None:
        if given.named:
            raise BindingError(f"'{operation.name}' takes no named arguments")
        return given.positional
    names = operation.parameters
    if len(given.positional) > len(names):
        raise BindingError(f"'{operation.name}' takes at most {len(names)} arguments, but got {len(given.positional)}")
    slots: list[Expression | None] = [*given.positional, *[None] * (len(names) - len(given.positional))]
    for name, value in given.named:
        if name not in names:
            raise BindingError(f"'{operation.name}' has no argument '{name}'{did_you_mean(name, names)}")
        slots[names.index(name)] = value
    while slots and slots[-1] is None:
        slots.pop()
    for index in range(operation.required):
        if index >= len(slots) or slots[index] is None:
            raise BindingError(f"'{operation.name}' needs the argument '{names[index]}'")
    return tuple(Literal(0, None) if value is None else value for value in slots)


def did_you_mean(name: str, known: Any) -> str:
    """Return ` ; did you mean …?` or nothing."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
