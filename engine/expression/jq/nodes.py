"""What each kind of node of a jq program gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.jq import syntax as s
from engine.expression.jq.formats import formatted
from engine.expression.jq.machine import Closure, Handler, Item, Machine, Results, Scope, made
from engine.expression.jq.values import BreakError, JqError, arithmetic, compare, is_number, kind, shown, truthy

if TYPE_CHECKING:
    from engine.expression.state import Run


def _identity(machine: Machine, node: s.Identity, scope: Scope, item: Item) -> Results:
    yield item


def _literal(machine: Machine, node: s.Literal, scope: Scope, item: Item) -> Results:
    yield made(item, node.value)


def _text(machine: Machine, node: s.Text, scope: Scope, item: Item) -> Results:
    def from_part(index: int, before: str) -> Iterator[str]:
        if index == len(node.parts):
            yield before
            return
        part = node.parts[index]
        if isinstance(part, str):
            yield from from_part(index + 1, before + part)
            return
        for value in machine.values(part, scope, item[0]):
            machine.run.charge(4)
            text = formatted(machine.run, node.format or "@text", value)
            machine.run.grow(len(before) + len(text))
            yield from from_part(index + 1, before + text)

    for text in from_part(0, ""):
        yield made(item, text)


def _format(machine: Machine, node: s.Format, scope: Scope, item: Item) -> Results:
    yield made(item, formatted(machine.run, node.name, item[0]))


def _index(machine: Machine, node: s.Index, scope: Scope, item: Item) -> Results:
    for target in machine.results(node.target, scope, item):
        for key in machine.values(node.key, scope, item[0]):
            yield machine.taken(target, key)


def _slice(machine: Machine, node: s.Slice, scope: Scope, item: Item) -> Results:
    for target in machine.results(node.target, scope, item):
        for end in [None] if node.end is None else machine.values(node.end, scope, item[0]):
            for start in [None] if node.start is None else machine.values(node.start, scope, item[0]):
                yield machine.taken(target, {"start": start, "end": end})


def _iterate(machine: Machine, node: s.Iterate, scope: Scope, item: Item) -> Results:
    for target in machine.results(node.target, scope, item):
        yield from machine.each(target)


def _list(machine: Machine, node: s.ListOf, scope: Scope, item: Item) -> Results:
    found: list[Any] = []
    if node.body is not None:
        for value in machine.values(node.body, scope, item[0]):
            machine.run.charge(1)
            found.append(value)
    yield made(item, found)


def _map(machine: Machine, node: s.MapOf, scope: Scope, item: Item) -> Results:
    def from_entry(index: int, before: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if index == len(node.entries):
            yield before
            return
        key_node, value_node = node.entries[index]
        for key in machine.values(key_node, scope, item[0]):
            if not isinstance(key, str):
                raise JqError(f"Object keys must be strings, not {kind(key)}")
            for value in machine.values(value_node, scope, item[0]):
                machine.run.charge(2 + len(before))
                yield from from_entry(index + 1, {**before, key: value})

    for entries in from_entry(0, {}):
        yield made(item, entries)


def _negative(machine: Machine, node: s.Negative, scope: Scope, item: Item) -> Results:
    for value in machine.values(node.body, scope, item[0]):
        if not is_number(value):
            raise JqError(f"{kind(value)} ({shown(machine.run, value)}) cannot be negated")
        yield made(item, -value)


def _pipe(machine: Machine, node: s.Pipe, scope: Scope, item: Item) -> Results:
    for left in machine.results(node.left, scope, item):
        yield from machine.results(node.right, scope, left)


def _comma(machine: Machine, node: s.Comma, scope: Scope, item: Item) -> Results:
    yield from machine.results(node.left, scope, item)
    yield from machine.results(node.right, scope, item)


_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def operated(run: Run, operator: str, left: Any, right: Any) -> Any:
    """Return `left operator right` for arithmetic and comparisons."""
    if operator in _COMPARISONS:
        return _COMPARISONS[operator](compare(run, left, right))
    return arithmetic(run, operator, left, right)


def _binary(machine: Machine, node: s.Binary, scope: Scope, item: Item) -> Results:
    for right in machine.values(node.right, scope, item[0]):
        for left in machine.values(node.left, scope, item[0]):
            yield made(item, operated(machine.run, node.operator, left, right))


def _logic(machine: Machine, node: s.Logic, scope: Scope, item: Item) -> Results:
    for left in machine.values(node.left, scope, item[0]):
        if truthy(left) is (node.operator == "or"):
            yield made(item, node.operator == "or")
        else:
            for right in machine.values(node.right, scope, item[0]):
                yield made(item, truthy(right))


def _alternative(machine: Machine, node: s.Alternative, scope: Scope, item: Item) -> Results:
    found = False
    try:
        for left in machine.results(node.left, scope, item):
            if truthy(left[0]):
                found = True
                yield left
    except JqError:
        pass
    if not found:
        yield from machine.results(node.right, scope, item)


def _if(machine: Machine, node: s.If, scope: Scope, item: Item) -> Results:
    for condition in machine.values(node.condition, scope, item[0]):
        yield from machine.results(node.yes if truthy(condition) else node.no, scope, item)


def _try(machine: Machine, node: s.Try, scope: Scope, item: Item) -> Results:
    try:
        yield from machine.results(node.body, scope, item)
    except JqError as error:
        if node.handler is not None:
            yield from machine.results(node.handler, scope, made(item, error.value))


def _bind(machine: Machine, node: s.Bind, scope: Scope, item: Item) -> Results:
    for value in machine.values(node.source, scope, item[0]):
        for inner in machine.bind(node.pattern, scope, value):
            yield from machine.results(node.body, inner, item)


def _reduce(machine: Machine, node: s.Reduce, scope: Scope, item: Item) -> Results:
    for state in machine.results(node.start, scope, item):
        for value in machine.values(node.source, scope, item[0]):
            for inner in machine.bind(node.pattern, scope, value):
                last: Item = made(item, None)
                for last in machine.results(node.update, inner, state):  # noqa: B007
                    pass
                state = last
        yield state


def _foreach(machine: Machine, node: s.Foreach, scope: Scope, item: Item) -> Results:
    for state in machine.results(node.start, scope, item):
        for value in machine.values(node.source, scope, item[0]):
            for inner in machine.bind(node.pattern, scope, value):
                for updated in machine.results(node.update, inner, state):
                    state = updated
                    yield from machine.results(node.extract, inner, updated)


def _definition(machine: Machine, node: s.Definition, scope: Scope, item: Item) -> Results:
    inner = scope.bound(f"{node.name}/{len(node.parameters)}", None)
    inner.value = Closure(node.parameters, node.body, inner)
    yield from machine.results(node.rest, inner, item)


def _call(machine: Machine, node: s.Call, scope: Scope, item: Item) -> Results:
    return machine.call(node.name, node.arguments, scope, item)


def _variable(machine: Machine, node: s.Variable, scope: Scope, item: Item) -> Results:
    found = scope.find(f"${node.name}")
    if found is None and node.name != "ENV":
        raise Failure(f"jq: there is no variable ${node.name}")
    yield made(item, {} if found is None else found.value)


def _label(machine: Machine, node: s.Label, scope: Scope, item: Item) -> Results:
    mark = object()
    try:
        yield from machine.results(node.body, scope.bound(f"*{node.name}", mark), item)
    except BreakError as error:
        if error.mark is not mark:
            raise


def _break(machine: Machine, node: s.Break, scope: Scope, item: Item) -> Results:
    found = scope.find(f"*{node.name}")
    if found is None:
        raise Failure(f"jq: there is no label ${node.name}")
    raise BreakError(found.value)


def _assignment(machine: Machine, node: s.Assignment, scope: Scope, item: Item) -> Results:
    return machine.call(f"{node.operator}", (node.left, node.right), scope, item)


HANDLERS: dict[type, Handler] = {
    s.Identity: _identity,
    s.Literal: _literal,
    s.Text: _text,
    s.Format: _format,
    s.Index: _index,
    s.Slice: _slice,
    s.Iterate: _iterate,
    s.ListOf: _list,
    s.MapOf: _map,
    s.Negative: _negative,
    s.Pipe: _pipe,
    s.Comma: _comma,
    s.Binary: _binary,
    s.Logic: _logic,
    s.Alternative: _alternative,
    s.Assignment: _assignment,
    s.If: _if,
    s.Try: _try,
    s.Bind: _bind,
    s.Reduce: _reduce,
    s.Foreach: _foreach,
    s.Definition: _definition,
    s.Call: _call,
    s.Variable: _variable,
    s.Label: _label,
    s.Break: _break,
}
"""By kind of node."""
