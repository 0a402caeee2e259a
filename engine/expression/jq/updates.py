"""jq functions on paths: taking, setting and deleting by path, and the assignments built on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.jq import syntax as s
from engine.expression.jq.machine import LOST, Builtin, Item, Machine, Results, Scope, bounds, made
from engine.expression.jq.nodes import operated
from engine.expression.jq.values import JqError, is_number, kind, shown, sort_key, truthy

if TYPE_CHECKING:
    from engine.expression.state import Run

UPDATES: dict[str, Builtin] = {}
"""Functions by `name/arity`."""

MAX_PATH = 60
MAX_LIST = 100_000
Arguments = tuple[s.Node, ...]


def _declare(key: str) -> Callable[[Builtin], Builtin]:
    def declare(function: Builtin) -> Builtin:
        UPDATES[key] = function
        return function

    return declare


def _paths(machine: Machine, node: s.Node, scope: Scope, value: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for result, path in machine.results(node, scope, (value, ())):
        if path is LOST:
            raise JqError(f"Invalid path expression with result {shown(machine.run, result)}")
        assert path is not None
        found.append(path)
    return found


def _checked(path: Any) -> tuple[Any, ...]:
    if not isinstance(path, list):
        raise JqError("Path must be specified as an array")
    if len(path) > MAX_PATH:
        raise Failure(f"jq: a path of more than {MAX_PATH} parts")
    return tuple(path)


def take(machine: Machine, value: Any, path: tuple[Any, ...]) -> Any:
    """Return what lies at a path, null if nothing does."""
    for key in path:
        if value is None:
            return None
        value = machine.taken((value, None), key)[0]
    return value


def put(run: Run, value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of the value with something else at a path; maps and lists are made on the way."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    run.charge(1)
    if isinstance(key, str):
        if not isinstance(value, dict) and value is not None:
            raise JqError(f'Cannot index {kind(value)} with "{key}"')
        entries: dict[str, Any] = value or {}
        run.fill(len(entries))
        return {**entries, key: put(run, entries.get(key), rest, new)}
    if not isinstance(value, list) and value is not None:
        raise JqError(f"Cannot index {kind(value)} with {kind(key)}")
    items = list(value or ())
    run.fill(len(items))
    if isinstance(key, dict):
        first, last = bounds(len(items), key.get("start"), key.get("end"))
        part = put(run, items[first:last] if value is not None else None, rest, new)
        if not isinstance(part, list):
            raise JqError("A slice of an array can only be assigned another array")
        return items[:first] + part + items[last:]
    if not is_number(key):
        raise JqError(f"Cannot index {kind(value)} with {kind(key)}")
    index = int(key) + (len(items) if key < 0 else 0)
    if index < 0:
        raise JqError("Out of bounds negative array index")
    if index > MAX_LIST:
        raise Failure(f"jq: a list of more than {MAX_LIST} elements")
    run.fill(max(0, index - len(items)))
    items += [None] * (index + 1 - len(items))
    items[index] = put(run, items[index], rest, new)
    return items


def cut(run: Run, value: Any, path: tuple[Any, ...]) -> Any:
    """Return a copy of the value without what lies at a path."""
    if not path or value is None:
        return None
    key, rest = path[0], path[1:]
    run.charge(1)
    if isinstance(value, dict) and isinstance(key, str):
        run.fill(len(value))
        if key not in value:
            return value
        if not rest:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: cut(run, value[key], rest)}
    if isinstance(value, list) and isinstance(key, dict):
        run.fill(len(value))
        first, last = bounds(len(value), key.get("start"), key.get("end"))
        return value[:first] + (cut(run, value[first:last], rest) if rest else []) + value[last:]
    if isinstance(value, list) and is_number(key):
        run.fill(len(value))
        index = int(key) + (len(value) if key < 0 else 0)
        if not 0 <= index < len(value):
            return value
        return [*value[:index], *([cut(run, value[index], rest)] if rest else []), *value[index + 1 :]]
    raise JqError(f"Cannot delete field at index of {kind(value)}")


def cut_all(run: Run, value: Any, paths: list[tuple[Any, ...]]) -> Any:
    """Return a copy of the value without what lies at these paths, the last ones cut first."""
    if any(not path for path in paths):
        return None
    for path in sorted(paths, key=lambda each: sort_key(run)(list(each)), reverse=True):
        value = cut(run, value, path)
    return value


@_declare("path/1")
def _path(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for result, path in machine.results(arguments[0], scope, (item[0], ())):
        if path is LOST or path is None:
            raise JqError(f"Invalid path expression with result {shown(machine.run, result)}")
        yield made(item, list(path))


@_declare("getpath/1")
def _getpath(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for given in machine.values(arguments[0], scope, item[0]):
        keys = _checked(given)
        value, path = take(machine, item[0], keys), item[1]
        yield value, path if path is None or path is LOST else (*path, *keys)


@_declare("setpath/2")
def _setpath(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for given in machine.values(arguments[0], scope, item[0]):
        for value in machine.values(arguments[1], scope, item[0]):
            yield made(item, put(machine.run, item[0], _checked(given), value))


@_declare("delpaths/1")
def _delpaths(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for given in machine.values(arguments[0], scope, item[0]):
        if not isinstance(given, list):
            raise JqError("Paths must be specified as an array")
        yield made(item, cut_all(machine.run, item[0], [_checked(path) for path in given]))


@_declare("=/2")
def _assign(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for new in machine.values(arguments[1], scope, item[0]):
        value = item[0]
        for path in _paths(machine, arguments[0], scope, item[0]):
            value = put(machine.run, value, path, new)
        yield made(item, value)


@_declare("|=/2")
def _modify(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    value = item[0]
    gone: list[tuple[Any, ...]] = []
    nothing = object()
    for path in _paths(machine, arguments[0], scope, item[0]):
        new = next(machine.values(arguments[1], scope, take(machine, value, path)), nothing)
        if new is nothing:
            gone.append(path)
        else:
            value = put(machine.run, value, path, new)
    yield made(item, cut_all(machine.run, value, gone) if gone else value)


def _arithmetic_update(operator: str) -> None:
    @_declare(f"{operator}=/2")
    def apply(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
        for right in machine.values(arguments[1], scope, item[0]):
            value = item[0]
            for path in _paths(machine, arguments[0], scope, item[0]):
                old = take(machine, value, path)
                if operator == "//":
                    new = old if truthy(old) else right
                else:
                    new = operated(machine.run, operator, old, right)
                value = put(machine.run, value, path, new)
            yield made(item, value)


for _operator in ("+", "-", "*", "/", "%", "//"):
    _arithmetic_update(_operator)
