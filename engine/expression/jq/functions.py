"""jq functions from values to a value: collections and kinds. Numbers are `numbers.py`'s, texts `texts.py`'s.

Each takes the run, the input and its arguments' values; several results of an argument mean several calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from engine.expression.jq import syntax as s
from engine.expression.jq.machine import Builtin, Item, Machine, Results, Scope, made
from engine.expression.jq.values import JqError, compare, contains, is_number, kind, shown, sort_key
from engine.expression.printing import to_json

if TYPE_CHECKING:
    from engine.expression.state import Run

FUNCTIONS: dict[str, Builtin] = {}
"""Functions by `name/arity`."""

Simple = Callable[..., Any]
F = TypeVar("F", bound=Simple)


def builtin(function: Simple, arity: int) -> Builtin:
    """Return a value function as the machine calls it: once per combination of its arguments' results."""

    def combinations(
        machine: Machine, scope: Scope, nodes: tuple[s.Node, ...], value: Any
    ) -> Iterator[tuple[Any, ...]]:
        if not nodes:
            yield ()
            return
        for last in machine.values(nodes[-1], scope, value):
            for before in combinations(machine, scope, nodes[:-1], value):
                yield (*before, last)

    def apply(machine: Machine, scope: Scope, arguments: tuple[s.Node, ...], item: Item) -> Results:
        for given in combinations(machine, scope, arguments, item[0]):
            yield made(item, function(machine.run, item[0], *given))

    return apply


def _declare(*keys: str) -> Callable[[F], F]:
    def declare(function: F) -> F:
        for key in keys:
            FUNCTIONS[key] = builtin(function, int(key.rpartition("/")[2]))
        return function

    return declare


def refusal(run: Run, value: Any, what: str) -> JqError:
    """Return the error that a value `what`."""
    return JqError(f"{kind(value)} ({shown(run, value)}) {what}")


@_declare("length/0")
def _length(run: Run, value: Any) -> Any:
    if isinstance(value, bool):
        raise refusal(run, value, "has no length")
    if value is None:
        return 0
    return abs(value) if is_number(value) else len(value)


@_declare("keys/0")
def _keys(run: Run, value: Any) -> Any:
    return sorted(value) if isinstance(value, dict) else _keys_unsorted(run, value)


@_declare("keys_unsorted/0")
def _keys_unsorted(run: Run, value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        raise refusal(run, value, "has no keys")
    run.fill(len(value))
    return list(value) if isinstance(value, dict) else list(range(len(value)))


@_declare("has/1")
def _has(run: Run, value: Any, key: Any) -> Any:
    if isinstance(value, dict) and isinstance(key, str):
        return key in value
    if isinstance(value, list) and is_number(key):
        return 0 <= key < len(value)
    raise JqError(f"Cannot check whether {kind(value)} has a {kind(key)} key")


_declare("contains/1")(contains)


@_declare("to_entries/0")
def _to_entries(run: Run, value: Any) -> Any:
    if not isinstance(value, dict):
        raise refusal(run, value, "has no keys")
    run.fill(len(value) * 2)
    return [{"key": key, "value": each} for key, each in value.items()]


@_declare("from_entries/0")
def _from_entries(run: Run, value: Any) -> Any:
    out: dict[str, Any] = {}
    for entry in _elements(run, value):
        run.charge(1)
        if not isinstance(entry, dict):
            raise JqError(f'Cannot index {kind(entry)} with "key"')
        names = ("key", "k", "name", "Name", "Key", "K")
        key = next((entry[name] for name in names if entry.get(name) is not None), None)
        if key is None and entry.get("key", 0) is False:
            key = False
        value_ = next((entry[name] for name in ("value", "v", "Value", "V") if name in entry), None)
        out[key if isinstance(key, str) else to_json(run, key)] = value_
    return out


def _elements(run: Run, value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list):
        raise JqError(f"Cannot iterate over {kind(value)}")
    return value


def array_of(run: Run, value: Any, what: str) -> list[Any]:
    """Return the value if it is a list, or raise that it `what`."""
    if not isinstance(value, list):
        raise refusal(run, value, what)
    run.charge(len(value) >> 4)
    return value


@_declare("reverse/0")
def _reverse(run: Run, value: Any) -> Any:
    if isinstance(value, str):
        return value[::-1]
    return [] if value is None else array_of(run, value, "cannot be reversed, as it is not an array")[::-1]


@_declare("flatten/0", "flatten/1")
def _flatten(run: Run, value: Any, depth: Any = 1_000) -> Any:
    if not is_number(depth) or depth < 0:
        raise JqError("flatten depth must not be negative")
    out: list[Any] = []

    def walk(items: list[Any], left: float) -> None:
        for each in items:
            run.charge(1)
            if isinstance(each, list) and left > 0:
                walk(each, left - 1)
            else:
                out.append(each)

    walk(_elements(run, value), depth)
    return out


@_declare("transpose/0")
def _transpose(run: Run, value: Any) -> Any:
    rows = array_of(run, value, "cannot be transposed")
    width = max((len(array_of(run, row, "cannot be transposed")) for row in rows), default=0)
    run.charge(width * len(rows))
    return [[row[at] if at < len(row) else None for row in rows] for at in range(width)]


@_declare("sort/0")
def _sort(run: Run, value: Any) -> Any:
    return sorted(array_of(run, value, "cannot be sorted, as it is not an array"), key=sort_key(run))


@_declare("unique/0")
def _unique(run: Run, value: Any) -> Any:
    out: list[Any] = []
    for each in _sort(run, value):
        if not out or compare(run, out[-1], each):
            out.append(each)
    return out


@_declare("min/0")
def _min(run: Run, value: Any) -> Any:
    return min(array_of(run, value, "has no minimum"), key=sort_key(run), default=None)


@_declare("max/0")
def _max(run: Run, value: Any) -> Any:
    items = array_of(run, value, "has no maximum")
    return max(reversed(items), key=sort_key(run), default=None)


def _keyed(key: str, combine: Callable[[Run, list[tuple[Any, Any]]], Any]) -> None:
    """Declare a function whose argument says by what elements are ordered, `sort_by(.name)`."""

    def apply(machine: Machine, scope: Scope, arguments: tuple[s.Node, ...], item: Item) -> Results:
        items = array_of(machine.run, item[0], "cannot be sorted, as it is not an array")
        pairs = [(list(machine.values(arguments[0], scope, each)), each) for each in items]
        yield made(item, combine(machine.run, pairs))

    FUNCTIONS[key] = apply


def _ordered(run: Run, pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    by = sort_key(run)
    return sorted(pairs, key=lambda pair: by(pair[0]))


def _grouped(run: Run, pairs: list[tuple[Any, Any]]) -> list[list[Any]]:
    out: list[list[Any]] = []
    last: Any = None
    for mark, each in _ordered(run, pairs):
        if out and compare(run, last, mark) == 0:
            out[-1].append(each)
        else:
            out.append([each])
        last = mark
    return out


def _extreme(run: Run, pairs: list[tuple[Any, Any]], largest: bool) -> Any:
    by = sort_key(run)
    if largest:
        return max(reversed(pairs), key=lambda pair: by(pair[0]), default=(None, None))[1]
    return min(pairs, key=lambda pair: by(pair[0]), default=(None, None))[1]


_keyed("sort_by/1", lambda run, pairs: [each for _, each in _ordered(run, pairs)])
_keyed("group_by/1", _grouped)
_keyed("unique_by/1", lambda run, pairs: [group[0] for group in _grouped(run, pairs)])
_keyed("min_by/1", lambda run, pairs: _extreme(run, pairs, False))
_keyed("max_by/1", lambda run, pairs: _extreme(run, pairs, True))


@_declare("type/0")
def _type(run: Run, value: Any) -> Any:
    return kind(value)


@_declare("indices/1", "_indices/1")
def _indices(run: Run, value: Any, wanted: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str) and isinstance(wanted, str):
        return _positions(run, value, wanted)
    if isinstance(value, list) and isinstance(wanted, list):
        if not wanted:
            return None
        starts = range(len(value) - len(wanted) + 1)
        return [at for at in starts if compare(run, value[at : at + len(wanted)], wanted) == 0]
    if isinstance(value, list):
        return [at for at, each in enumerate(value) if compare(run, each, wanted) == 0]
    raise JqError(f"Cannot determine indices of {kind(wanted)} in {kind(value)}")


def _positions(run: Run, text: str, wanted: str) -> Any:
    if not wanted:
        return None
    out: list[int] = []
    at = text.find(wanted)
    while at != -1:
        run.charge(1)
        out.append(at)
        at = text.find(wanted, at + 1)
    return out


@_declare("index/1")
def _index(run: Run, value: Any, wanted: Any) -> Any:
    found = _indices(run, value, wanted)
    return found[0] if found else None


@_declare("rindex/1")
def _rindex(run: Run, value: Any, wanted: Any) -> Any:
    found = _indices(run, value, wanted)
    return found[-1] if found else None
