"""The syntax tree of a template: what was written, before anything is decided about how it runs.

Owns the node classes only; `parser.py` and `expressions.py` build them, `bridge.py` and `reads.py` read them.
`position` is an offset in the source, `depth` the height of the subtree (the parser bounds it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Expression:
    """Anything that has a value."""

    position: int
    depth: int = field(default=1, kw_only=True)


@dataclass(slots=True)
class Literal(Expression):
    """A constant: text, whole number (a Java long), double, boolean or null."""

    value: Any


@dataclass(slots=True)
class Path(Expression):
    """A variable and constant keys behind it, `a.b['c']`; the common case, looked up in one go."""

    names: tuple[str, ...]


@dataclass(slots=True)
class Attribute(Expression):
    """A key that has to be evaluated, or that follows something other than a variable."""

    base: Expression
    key: Expression


@dataclass(slots=True)
class Arguments:
    """Arguments of a call, as written."""

    positional: tuple[Expression, ...] = ()
    named: tuple[tuple[str, Expression], ...] = ()

    def expressions(self) -> tuple[Expression, ...]:
        """Return every argument's expression."""
        return self.positional + tuple(value for _, value in self.named)


@dataclass(slots=True)
class Method(Expression):
    """A call on a value, `a.contains('b')`; a closed list of names exists."""

    base: Expression
    name: str
    arguments: tuple[Expression, ...]


@dataclass(slots=True)
class Unary(Expression):
    """`not`, `-` or `+` before a value."""

    operator: str
    operand: Expression


@dataclass(slots=True)
class Binary(Expression):
    """Two values and an operator that isn't one of `Chain`'s."""

    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Chain(Expression):
    """Two or more values joined by the same associative operator: `+`, `~`, `and`, `or`."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(slots=True)
class Filter(Expression):
    """`value | name(arguments)`."""

    value: Expression
    name: str
    arguments: Arguments


@dataclass(slots=True)
class Test(Expression):
    """`value is [not] name`."""

    value: Expression
    name: str
    negated: bool
    arguments: Arguments


@dataclass(slots=True)
class Call(Expression):
    """A function, a macro, or `block(name)`."""

    name: str
    arguments: Arguments


@dataclass(slots=True)
class Ternary(Expression):
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(slots=True)
class ListOf(Expression):
    """`[a, b]`."""

    items: tuple[Expression, ...]


@dataclass(slots=True)
class MapOf(Expression):
    """`{a: b}`; keys are expressions too."""

    entries: tuple[tuple[Expression, Expression], ...]


@dataclass(slots=True)
class Statement:
    """Anything that stands in a template's text."""

    position: int


@dataclass(slots=True)
class Text(Statement):
    """Text between tags."""

    text: str


@dataclass(slots=True)
class Raw(Statement):
    """Text of a `raw` tag, which later passes of `render()` must leave alone too."""

    text: str


@dataclass(slots=True)
class Print(Statement):
    """`{{ value }}`."""

    value: Expression


@dataclass(slots=True)
class Set(Statement):
    """`{% set name = value %}`."""

    name: str
    value: Expression


@dataclass(slots=True)
class If(Statement):
    """Conditions with their bodies, first match wins."""

    branches: tuple[tuple[Expression, Body], ...]
    otherwise: Body


@dataclass(slots=True)
class For(Statement):
    """A loop; `otherwise` is for an empty collection."""

    name: str
    iterable: Expression
    body: Body
    otherwise: Body


@dataclass(slots=True)
class Macro(Statement):
    """A named piece with parameters; a parameter's default is None if not written."""

    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    body: Body


@dataclass(slots=True)
class Block(Statement):
    """A named piece that is printed where it stands, and again by `block(name)`."""

    name: str
    body: Body


@dataclass(slots=True)
class FilterBlock(Statement):
    """Text that goes through filters, first to last."""

    filters: tuple[tuple[int, str, Arguments], ...]
    body: Body


Body = tuple[Statement, ...]
"""Statements in order."""


def children(node: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly inside an expression."""
    match node:
        case Attribute(base=base, key=key):
            return (base, key)
        case Method(base=base, arguments=arguments):
            return (base, *arguments)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Chain(operands=operands):
            return operands
        case Filter(value=value, arguments=given) | Test(value=value, arguments=given):
            return (value, *given.expressions())
        case Call(arguments=given):
            return given.expressions()
        case Ternary(condition=condition, yes=yes, no=no):
            return (condition, yes, no)
        case ListOf(items=items):
            return items
        case MapOf(entries=entries):
            return tuple(part for entry in entries for part in entry)
    return ()


def bodies(statement: Statement) -> tuple[Body, ...]:
    """Return the bodies directly inside a statement."""
    match statement:
        case If(branches=branches, otherwise=otherwise):
            return (*(body for _, body in branches), otherwise)
        case For(body=body, otherwise=otherwise):
            return (body, otherwise)
        case Macro(body=body) | Block(body=body) | FilterBlock(body=body):
            return (body,)
    return ()
