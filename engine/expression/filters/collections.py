"""Filters on lists and maps (and on texts where they count as lists of characters)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from engine.expression.equality import contains, to_double
from engine.expression.errors import Failure
from engine.expression.filters.texts import text_of, whole_of
from engine.expression.numbers import is_number
from engine.expression.printing import Entry, java_text
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()


def _list_of(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise Failure("expected a list")
    return value


@FILTERS.add("first")
def _first(run: Run, value: Any) -> Any:
    return _end(value, 0)


@FILTERS.add("last")
def _last(run: Run, value: Any) -> Any:
    return _end(value, -1)


def _end(value: Any, index: int) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        if not value:
            raise Failure("the text is empty")
        return value[index]
    items = _list_of(value)
    return items[index] if items else None


@FILTERS.add("join", "separator")
def _join(run: Run, value: Any, separator: Any = None) -> Any:
    if value is None:
        return None
    glue = "" if separator is None else text_of(separator)
    run.fill(len(_list_of(value)))
    texts = [java_text(run, each) for each in _list_of(value)]
    run.grow(sum(map(len, texts)) + len(glue) * len(texts))
    return glue.join(texts)


@FILTERS.add("length")
def _length(run: Run, value: Any) -> int:
    if isinstance(value, str):
        # Java counts UTF-16 units.
        return len(value) if value.isascii() else len(value) + sum(character > "\uffff" for character in value)
    return len(value) if isinstance(value, (list, tuple, Mapping)) else 0


@FILTERS.add("merge", "items")
def _merge(run: Run, value: Any, items: Any = None) -> Any:
    if value is None or items is None:
        if value is None and items is None:
            raise Failure("both sides of a merge are null")
        return items if value is None else value
    if isinstance(value, Mapping):
        run.fill(len(value) + len(items) if isinstance(items, (Mapping, list, tuple)) else 0)
        if isinstance(items, Mapping):
            return {**value, **items}
        if not all(isinstance(each, (str, int, float, bool)) for each in _list_of(items)):
            raise Failure("a list or map can't be the key of a map")
        return {**value, **{each: each for each in _list_of(items)}}
    run.fill(len(_list_of(value)) + len(items) if isinstance(items, (Mapping, list, tuple)) else 0)
    if isinstance(items, Mapping):
        return [*_list_of(value), *(Entry(key, each) for key, each in items.items())]
    return [*_list_of(value), *_list_of(items)]


@FILTERS.add("reverse")
def _reverse(run: Run, value: Any) -> Any:
    if value is None:
        return None
    run.fill(len(_list_of(value)))
    return list(reversed(_list_of(value)))


def _order(left: Any, right: Any) -> int:
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if is_number(left) and is_number(right):
        a, b = to_double(left), to_double(right)
        return (a > b) - (a < b)
    if isinstance(left, bool) and isinstance(right, bool):
        return int(left) - int(right)
    raise Failure("can only sort texts among texts and numbers among numbers")


def _sorted(run: Run, value: Any, backwards: bool) -> Any:
    if value is None:
        return None
    items = _list_of(value)
    run.charge(1 + len(items))
    return sorted(items, key=cmp_to_key(_order), reverse=backwards)


@FILTERS.add("sort")
def _sort(run: Run, value: Any) -> Any:
    return _sorted(run, value, False)


@FILTERS.add("rsort")
def _rsort(run: Run, value: Any) -> Any:
    return _sorted(run, value, True)


@FILTERS.add("slice", "fromIndex", "toIndex")
def _slice(run: Run, value: Any, start: Any = None, end: Any = None) -> Any:
    if value is None:
        return None
    if not isinstance(value, (str, list, tuple)):
        raise Failure("expected a text or a list")
    first = 0 if start is None else whole_of(start, "fromIndex")
    last = len(value) if end is None else whole_of(end, "toIndex")
    if first < 0:
        raise Failure("'fromIndex' must not be negative")
    if last > len(value) or first > len(value):
        raise Failure(f"the indexes must not be above {len(value)}")
    if end is not None and first >= last:
        raise Failure("'toIndex' must be above 'fromIndex'")
    run.fill(last - first)
    return value[first:last] if isinstance(value, str) else list(value[first:last])


@FILTERS.add("keys")
def _keys(run: Run, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        run.fill(len(value))
        return list(value)
    run.fill(len(_list_of(value)))
    return list(range(len(_list_of(value))))


@FILTERS.add("values")
def _values(run: Run, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Failure("expected a map")
    run.fill(len(value))
    return [value[key] for key in value]


@FILTERS.add("chunk", "size", required=1)
def _chunk(run: Run, value: Any, size: Any) -> Any:
    if value is None:
        return None
    items, length = _list_of(value), whole_of(size, "size")
    if length <= 0:
        raise Failure("'size' must be above 0")
    run.charge(len(items) // length)
    run.fill(len(items))
    return [list(items[start : start + length]) for start in range(0, len(items), length)]


@FILTERS.add("flatten")
def _flatten(run: Run, value: Any) -> Any:
    if value is None:
        return None
    out: list[Any] = []
    for each in _list_of(value):
        inner = each if isinstance(each, (list, tuple)) else (each,)
        run.fill(len(inner))
        out += inner
    return out


@FILTERS.add("distinct")
def _distinct(run: Run, value: Any) -> Any:
    if value is None:
        return "null"
    seen: set[tuple[type, Any]] = set()
    out: list[Any] = []
    rest: list[Any] = []
    for each in _list_of(value):
        run.charge(1)
        if isinstance(each, (str, int)):
            mark = (type(each), each)
            if mark not in seen:
                seen.add(mark)
                out.append(each)
        elif not contains(run, rest, each):
            rest.append(each)
            out.append(each)
    return out
