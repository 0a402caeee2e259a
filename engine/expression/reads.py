"""Which variables a template may read, found without rendering it.

Owns the static pass. It errs on the side of too much: every branch counts, and a name that a loop or `set` covers is
left out only where it surely is covered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from engine.expression import tree
from engine.expression.functions import READS, READS_ALL, RERENDERS
from engine.expression.functions.world import WORLD


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A subscript that is itself a variable: `outputs.a[taskrun.value]`.

    Args:
        path: The variable's path.
    """

    path: tuple[str | Dynamic, ...]


Part: TypeAlias = str | Dynamic


@dataclass(frozen=True, slots=True)
class Reads:
    """What a template may look up.

    Args:
        paths: Variable paths, each ending where something that isn't known beforehand begins. Sorted, no duplicates.
        world: Functions that reach outside the engine.
        dynamic: True if it renders templates found in values (`render()`), so that anything may be read.
    """

    paths: tuple[tuple[Part, ...], ...] = ()
    world: frozenset[str] = frozenset()
    dynamic: bool = False


def reads_of(body: tree.Body) -> Reads:
    """Return what these statements may look up."""
    finder = _Finder()
    finder.body(body, frozenset())
    paths = sorted(finder.paths, key=lambda path: [repr(part) for part in path])
    return Reads(tuple(paths), frozenset(finder.world), finder.dynamic)


class _Finder:
    """Walks statements with the names that are covered at each place."""

    def __init__(self) -> None:
        self.paths: set[tuple[Part, ...]] = set()
        self.world: set[str] = set()
        self.dynamic = False

    def body(self, body: tree.Body, covered: frozenset[str]) -> frozenset[str]:
        """Walk statements; return the names covered behind them."""
        for statement in body:
            covered = self._statement(statement, covered)
        return covered

    def _statement(self, statement: tree.Statement, covered: frozenset[str]) -> frozenset[str]:
        match statement:
            case tree.Print(value=value):
                self.expression(value, covered)
            case tree.Set(name=name, value=value):
                self.expression(value, covered)
                return covered | {name}
            case tree.If(branches=branches, otherwise=otherwise):
                for condition, body in branches:
                    self.expression(condition, covered)
                    self.body(body, covered)
                self.body(otherwise, covered)
            case tree.For(name=name, iterable=iterable, body=body, otherwise=otherwise):
                self.expression(iterable, covered)
                self.body(body, covered | {name, "loop"})
                self.body(otherwise, covered)
            case tree.Macro(parameters=parameters, body=body):
                names = frozenset(name for name, _ in parameters)
                for _, default in parameters:
                    if default is not None:
                        self.expression(default, covered | names)
                self.body(body, covered | names)
            case tree.Block(body=body):
                self.body(body, covered)
            case tree.FilterBlock(filters=filters, body=body):
                self.body(body, covered)
                for _, _, arguments in filters:
                    for each in arguments.expressions():
                        self.expression(each, covered)
        return covered

    def expression(self, node: tree.Expression, covered: frozenset[str]) -> None:
        """Walk an expression."""
        match node:
            case tree.Path() | tree.Attribute():
                self._lookup(node, covered)
                return
            case tree.Call(name=name, arguments=arguments):
                if name in WORLD:
                    self.world.add(name)
                self.paths.update(READS.get(name, ()))
                if name in READS_ALL:
                    self.dynamic = True
                if name in RERENDERS and not all(map(_is_constant, arguments.expressions())):
                    self.dynamic = True
                elif name in RERENDERS:
                    self._rendered(arguments)
        for child in tree.children(node):
            self.expression(child, covered)

    def _rendered(self, arguments: tree.Arguments) -> None:
        """A constant template inside `render()` would need parsing here; nobody writes that, so anything may follow."""
        if any("{" in str(each.value) for each in arguments.expressions() if isinstance(each, tree.Literal)):
            self.dynamic = True

    def _lookup(self, node: tree.Expression, covered: frozenset[str]) -> None:
        path = self._path(node, covered)[0]
        if path and path[0] not in covered:
            self.paths.add(path)

    def _path(self, node: tree.Expression, covered: frozenset[str]) -> tuple[tuple[Part, ...], bool]:
        """Return a lookup's path as far as it is known beforehand, and whether that is all of it.

        Subscripts on the way that are read themselves are noted.
        """
        if isinstance(node, tree.Path):
            return node.names, True
        if not isinstance(node, tree.Attribute):
            self.expression(node, covered)
            return (), False
        path, whole = self._path(node.base, covered)
        part: Part | None = None
        if isinstance(node.key, (tree.Path, tree.Attribute)):
            self._lookup(node.key, covered)
            inner, inner_whole = self._path(node.key, covered)
            if inner_whole and inner[0] not in covered:
                part = Dynamic(inner)
        elif isinstance(node.key, tree.Literal):
            part = node.key.value if isinstance(node.key.value, str) else None
        else:
            self.expression(node.key, covered)
        return (path, False) if part is None or not whole else ((*path, part), True)


def _is_constant(node: tree.Expression) -> bool:
    return isinstance(node, tree.Literal)
