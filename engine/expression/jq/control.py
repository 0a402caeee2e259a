"""jq functions that decide which results there are: loops, limits, errors, conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.expression.errors import Failure
from engine.expression.jq import syntax as s
from engine.expression.jq.machine import Builtin, Item, Machine, Results, Scope, made
from engine.expression.jq.values import JqError, is_number, truthy

CONTROL: dict[str, Builtin] = {}
"""Functions by `name/arity`."""

Arguments = tuple[s.Node, ...]


def _declare(key: str) -> Callable[[Builtin], Builtin]:
    def declare(function: Builtin) -> Builtin:
        CONTROL[key] = function
        return function

    return declare


@_declare("empty/0")
def _empty(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    yield from ()


@_declare("not/0")
def _not(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    yield made(item, not truthy(item[0]))


@_declare("error/0")
def _error(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    raise JqError(item[0])
    yield item


@_declare("error/1")
def _error_with(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for value in machine.values(arguments[0], scope, item[0]):
        raise JqError(value)
    yield from ()


@_declare("select/1")
def _select(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for condition in machine.values(arguments[0], scope, item[0]):
        if truthy(condition):
            yield item


@_declare("isvalid/1")
def _is_valid(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    try:
        for _ in machine.values(arguments[0], scope, item[0]):
            pass
        yield made(item, True)
    except JqError:
        yield made(item, False)


@_declare("isempty/1")
def _is_empty(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    nothing = object()
    yield made(item, next(machine.values(arguments[0], scope, item[0]), nothing) is nothing)


def _quantified(key: str, wanted: bool) -> None:
    """Declare `any(generator; condition)` or `all(…)`: the first condition that settles it ends the search."""

    @_declare(key)
    def apply(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
        settled = any(
            truthy(condition) is wanted
            for value in machine.values(arguments[0], scope, item[0])
            for condition in machine.values(arguments[1], scope, value)
        )
        yield made(item, settled is wanted)


_quantified("any/2", True)
_quantified("all/2", False)


@_declare("first/1")
def _first(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for result in machine.results(arguments[0], scope, item):
        yield result
        return


@_declare("last/1")
def _last(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    found: list[Item] = []
    for result in machine.results(arguments[0], scope, item):
        found = [result]
    yield from found


@_declare("limit/2")
def _limit(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for most in machine.values(arguments[0], scope, item[0]):
        if not is_number(most):
            raise JqError("Invalid limit: not a number")
        if most <= 0:
            continue
        for count, result in enumerate(machine.results(arguments[1], scope, item), 1):
            yield result
            if count >= most:
                break


@_declare("skip/2")
def _skip(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for most in machine.values(arguments[0], scope, item[0]):
        for count, result in enumerate(machine.results(arguments[1], scope, item)):
            if count >= most:
                yield result


def _descending(start: Iterator[Item], visit: Callable[[Item], tuple[bool, Iterator[Item]]]) -> Results:
    """Walk depth first without recursion; `visit` says whether to give an item, and what follows it."""
    stack = [start]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
            continue
        given, following = visit(item)
        if given:
            yield item
        stack.append(following)
        if len(stack) > 10_000:
            raise Failure("jq: a loop of more than 10,000 rounds")


@_declare("recurse/1")
def _recurse(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    return _descending(iter([item]), lambda each: (True, machine.results(arguments[0], scope, each)))


CONTROL["repeat/1"] = _recurse


@_declare("recurse/2")
def _recurse_while(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    def following(each: Item) -> Iterator[Item]:
        for result in machine.results(arguments[0], scope, each):
            if any(map(truthy, machine.values(arguments[1], scope, result[0]))):
                yield result

    return _descending(iter([item]), lambda each: (True, following(each)))


@_declare("while/2")
def _while(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    def visit(each: Item) -> tuple[bool, Iterator[Item]]:
        if any(map(truthy, machine.values(arguments[0], scope, each[0]))):
            return True, machine.results(arguments[1], scope, each)
        return False, iter(())

    return _descending(iter([item]), visit)


@_declare("until/2")
def _until(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    def visit(each: Item) -> tuple[bool, Iterator[Item]]:
        if any(map(truthy, machine.values(arguments[0], scope, each[0]))):
            return True, iter(())
        return False, machine.results(arguments[1], scope, each)

    return _descending(iter([item]), visit)


def _range(machine: Machine, item: Item, start: Any, end: Any, step: Any) -> Results:
    if not (is_number(start) and is_number(end) and is_number(step)):
        raise JqError("Range bounds must be numeric")
    at = start
    while (step > 0 and at < end) or (step < 0 and at > end):
        machine.run.charge(1)
        yield made(item, at)
        at += step


@_declare("range/1")
def _range_to(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for end in machine.values(arguments[0], scope, item[0]):
        yield from _range(machine, item, 0, end, 1)


@_declare("range/2")
def _range_between(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for start in machine.values(arguments[0], scope, item[0]):
        for end in machine.values(arguments[1], scope, item[0]):
            yield from _range(machine, item, start, end, 1)


@_declare("range/3")
def _range_by(machine: Machine, scope: Scope, arguments: Arguments, item: Item) -> Results:
    for start in machine.values(arguments[0], scope, item[0]):
        for end in machine.values(arguments[1], scope, item[0]):
            for step in machine.values(arguments[2], scope, item[0]):
                yield from _range(machine, item, start, end, step)
