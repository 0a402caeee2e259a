"""jq's syntax tree. Built by `parser.py`, walked by `evaluation.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Identity:
    """`.`: the input."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true, false or null."""

    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A text with interpolations; `format` is applied to those."""

    parts: tuple[str | Node, ...]
    format: str | None


@dataclass(frozen=True, slots=True)
class Format:
    """`@base64` and its kin on their own."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`target[key]`, `target.name`."""

    target: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Slice:
    """`target[start:end]`."""

    target: Node
    start: Node | None
    end: Node | None


@dataclass(frozen=True, slots=True)
class Iterate:
    """`target[]`."""

    target: Node


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[body]`."""

    body: Node | None


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{key: value}`; every combination if a key or value gives several results."""

    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Negative:
    """`-body`."""

    body: Node


@dataclass(frozen=True, slots=True)
class Pipe:
    """`left | right`."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comma:
    """`left, right`."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic and comparison."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Alternative:
    """`left // right`."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Assignment:
    """`=`, `|=`, `+=` and their kin."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class If:
    """`if … then … else … end`; without `else`, the input."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Try:
    """`try body catch handler`, `body?`."""

    body: Node
    handler: Node | None


@dataclass(frozen=True, slots=True)
class Reduce:
    """`reduce source as pattern (start; update)`."""

    source: Node
    pattern: Pattern
    start: Node
    update: Node


@dataclass(frozen=True, slots=True)
class Foreach:
    """`foreach source as pattern (start; update; extract)`."""

    source: Node
    pattern: Pattern
    start: Node
    update: Node
    extract: Node


@dataclass(frozen=True, slots=True)
class Bind:
    """`source as pattern | body`."""

    source: Node
    pattern: Pattern
    body: Node


@dataclass(frozen=True, slots=True)
class Definition:
    """`def name(parameters): body; rest`."""

    name: str
    parameters: tuple[str, ...]
    body: Node
    rest: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, which are filters, not values."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Label:
    """`label $name | body`."""

    name: str
    body: Node


@dataclass(frozen=True, slots=True)
class Break:
    """`break $name`."""

    name: str


@dataclass(frozen=True, slots=True)
class ListPattern:
    """`[a, b]` on the left of a binding."""

    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class MapPattern:
    """`{key: pattern}`; a `$name` as key binds its value as well."""

    entries: tuple[tuple[Node, str | None, Pattern | None], ...]


Pattern: TypeAlias = str | ListPattern | MapPattern
Node: TypeAlias = (
    Identity
    | Literal
    | Text
    | Format
    | Index
    | Slice
    | Iterate
    | ListOf
    | MapOf
    | Negative
    | Pipe
    | Comma
    | Binary
    | Logic
    | Alternative
    | Assignment
    | If
    | Try
    | Reduce
    | Foreach
    | Bind
    | Definition
    | Call
    | Variable
    | Label
    | Break
)
