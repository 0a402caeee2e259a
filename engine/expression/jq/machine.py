"""The machine that runs jq programs: scopes, calls, taking parts of values.

Every node gives any number of results, each with the path it was taken from. Paths are followed only while something
asks for them (`path(f)`, assignments): `None` as path means that nobody does, `LOST` that a result was computed rather
than taken. What each kind of node does is `nodes.py`'s, what functions do `functions.py`'s and its neighbours'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.expression.errors import Failure
from engine.expression.jq import syntax as s
from engine.expression.jq.values import JqError, is_number, kind, shown

if TYPE_CHECKING:
    from engine.expression.state import Run

Path: TypeAlias = "tuple[Any, ...] | None"
Item: TypeAlias = "tuple[Any, Path]"
Results: TypeAlias = Iterator[Item]

LOST: tuple[Any, ...] = (object(),)
"""The path of a value that was computed: taking anything from it is an error while paths are asked for."""

MAX_CALLS = 100
"""How deep functions may call functions."""

Builtin: TypeAlias = "Callable[[Machine, Scope, tuple[s.Node, ...], Item], Results]"
Handler: TypeAlias = "Callable[[Machine, Any, Scope, Item], Results]"


class Closure:
    """A function: its definition and the scope it was made in."""

    __slots__ = ("body", "parameters", "scope")

    def __init__(self, parameters: tuple[str, ...], body: s.Node, scope: Scope) -> None:
        self.parameters = parameters
        self.body = body
        self.scope = scope


class Scope:
    """Names that are visible at a place: variables, functions (`name/arity`), labels; one name per scope."""

    __slots__ = ("calls", "key", "parent", "value")

    def __init__(self, parent: Scope | None = None, key: str = "", value: Any = None, calls: int = 0) -> None:
        self.parent = parent
        self.key = key
        self.value = value
        self.calls = calls

    def bound(self, key: str, value: Any) -> Scope:
        """Return a scope inside this one with one more name."""
        return Scope(self, key, value, self.calls)

    def find(self, key: str) -> Scope | None:
        """Return the innermost scope that has the name."""
        scope: Scope | None = self
        while scope is not None:
            if scope.key == key:
                return scope
            scope = scope.parent
        return None


class Machine:
    """Evaluates one program for one render.

    Args:
        run: Whose budget counts.
        builtins: Functions by `name/arity`.
        handlers: What each kind of node does.
    """

    def __init__(self, run: Run, builtins: dict[str, Builtin], handlers: dict[type, Handler]) -> None:
        self.run = run
        self._builtins = builtins
        self._handlers = handlers

    def values(self, node: s.Node, scope: Scope, value: Any) -> Iterator[Any]:
        """Yield the results of a node for a value, without paths."""
        for result, _ in self.results(node, scope, (value, None)):
            yield result

    def results(self, node: s.Node, scope: Scope, item: Item) -> Results:
        """Yield the results of a node with their paths."""
        self.run.charge(2)
        return self._handlers[type(node)](self, node, scope, item)

    def call(self, name: str, arguments: tuple[s.Node, ...], scope: Scope, item: Item) -> Results:
        """Yield the results of a function."""
        key = f"{name}/{len(arguments)}"
        found = scope.find(key)
        if found is None:
            builtin = self._builtins.get(key)
            if builtin is None:
                raise Failure(f"jq: there is no function {key}")
            return builtin(self, scope, arguments, item)
        return self.apply(found.value, arguments, scope, item)

    def apply(self, closure: Closure, arguments: tuple[s.Node, ...], scope: Scope, item: Item) -> Results:
        """Yield the results of a function that was defined in jq."""
        if scope.calls >= MAX_CALLS:
            raise Failure(f"jq: functions call each other deeper than {MAX_CALLS}")
        inner = Scope(closure.scope, "", None, scope.calls + 1)
        return self._with_arguments(closure, closure.parameters, arguments, scope, inner, item)

    def _with_arguments(
        self,
        closure: Closure,
        parameters: tuple[str, ...],
        arguments: tuple[s.Node, ...],
        outer: Scope,
        inner: Scope,
        item: Item,
    ) -> Results:
        """Bind parameters one by one; one that is written `$name` runs the body once per value."""
        if not parameters:
            yield from self.results(closure.body, inner, item)
            return
        name = parameters[0]
        argument = Closure((), arguments[0], outer)
        if not name.startswith("$"):
            bound = inner.bound(f"{name}/0", argument)
            yield from self._with_arguments(closure, parameters[1:], arguments[1:], outer, bound, item)
            return
        for value in self.values(arguments[0], outer, item[0]):
            bound = inner.bound(name, value).bound(f"{name[1:]}/0", Closure((), s.Literal(value), outer))
            yield from self._with_arguments(closure, parameters[1:], arguments[1:], outer, bound, item)

    # -- taking parts

    def taken(self, item: Item, key: Any) -> Item:
        """Return what lies under a key, null if nothing does."""
        value, path = item
        if path is LOST:
            raise JqError(f"Invalid path expression with result {shown(self.run, value)}")
        below = None if path is None else (*path, key)
        if isinstance(key, dict):
            return self._slice_value(value, key.get("start"), key.get("end")), below
        if value is None and (isinstance(key, str) or is_number(key)):
            return None, below
        if isinstance(value, dict) and isinstance(key, str):
            return value.get(key), below
        if isinstance(value, list) and is_number(key):
            index = int(key) if key == key and abs(key) < 2**62 else len(value)
            index += len(value) if index < 0 else 0
            return (value[index] if 0 <= index < len(value) else None), below
        what = f'"{key}"' if isinstance(key, str) else kind(key)
        raise JqError(f"Cannot index {kind(value)} with {what}")

    def _slice_value(self, value: Any, start: Any, end: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, (list, str)):
            raise JqError(f"Cannot index {kind(value)} with object")
        first, last = bounds(len(value), start, end)
        self.run.fill(last - first if isinstance(value, list) else 0)
        return value[first:last]

    def each(self, item: Item) -> Results:
        """Yield the elements of a list or map."""
        value, path = item
        if path is LOST:
            raise JqError(f"Invalid path expression with result {shown(self.run, value)}")
        if isinstance(value, list):
            for index, element in enumerate(value):
                self.run.charge(1)
                yield element, None if path is None else (*path, index)
        elif isinstance(value, dict):
            for key, element in value.items():
                self.run.charge(1)
                yield element, None if path is None else (*path, key)
        else:
            raise JqError(f"Cannot iterate over {kind(value)}")

    def bind(self, pattern: s.Pattern, scope: Scope, value: Any) -> Iterator[Scope]:
        """Yield the scopes that a pattern makes of a value."""
        if isinstance(pattern, str):
            yield scope.bound(f"${pattern}", value)
        elif isinstance(pattern, s.ListPattern):
            yield from self._bind_list(pattern.items, 0, scope, value)
        else:
            yield from self._bind_map(pattern.entries, scope, value)

    def _bind_list(self, items: tuple[s.Pattern, ...], index: int, scope: Scope, value: Any) -> Iterator[Scope]:
        if index == len(items):
            yield scope
            return
        if not isinstance(value, list) and value is not None:
            raise JqError(f"Cannot index {kind(value)} with number")
        element = self.taken((value, None), index)[0]
        for inner in self.bind(items[index], scope, element):
            yield from self._bind_list(items, index + 1, inner, value)

    def _bind_map(
        self, entries: tuple[tuple[s.Node, str | None, s.Pattern | None], ...], scope: Scope, value: Any
    ) -> Iterator[Scope]:
        if not entries:
            yield scope
            return
        key_node, name, pattern = entries[0]
        for key in self.values(key_node, scope, value):
            element = self.taken((value, None), key)[0]
            inner = scope if name is None else scope.bound(f"${name}", element)
            for bound in [inner] if pattern is None else self.bind(pattern, inner, element):
                yield from self._bind_map(entries[1:], bound, value)


def bounds(length: int, start: Any, end: Any) -> tuple[int, int]:
    """Return the bounds of a slice as indexes."""

    def index(value: Any, default: int, up: bool) -> int:
        if value is None:
            return default
        if not is_number(value):
            raise JqError("Start and end indices of an array slice must be numbers")
        if value != value:
            return default
        clipped = max(min(value, 2**40), -(2**40))
        whole = int(-(-clipped // 1)) if up else int(clipped // 1)
        return max(0, min(length, whole + length if whole < 0 else whole))

    first, last = index(start, 0, False), index(end, length, True)
    return first, max(first, last)


def made(item: Item, value: Any) -> Item:
    """Return a computed value with the path that says so."""
    return value, None if item[1] is None else LOST
