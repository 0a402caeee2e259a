"""The closed list of methods that texts, lists and maps have, `name.startsWith('a')`.

Each entry says how few and how many arguments it takes. Those that take none can be read like keys, `name.length`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.equality import contains, index_of, java_equals
from engine.expression.errors import Failure
from engine.expression.numbers import is_number
from engine.expression.patterns import split
from engine.expression.printing import java_text

if TYPE_CHECKING:
    from engine.expression.state import Run

Method = tuple[Callable[..., Any], int, int]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Failure("Expected a text as the argument")
    return value


def _index(value: Any, size: int) -> int:
    if not is_number(value) or not 0 <= int(value) <= size:
        raise Failure(f"Expected an index from 0 to {size}")
    return int(value)


def _substring(run: Run, text: str, start: Any, end: Any = None) -> str:
    first = _index(start, len(text))
    last = len(text) if end is None else _index(end, len(text))
    if last < first:
        raise Failure("The end of a substring lies before its start")
    return text[first:last]


def _char_at(run: Run, text: str, at: Any) -> str:
    return text[_index(at, len(text) - 1)]


def _replace(run: Run, text: str, old: Any, new: Any) -> str:
    return replace_all(run, text, _text(old), _text(new))


def _split(run: Run, text: str, pattern: Any, most: Any = None) -> list[str]:
    if most is not None and not isinstance(most, int):
        raise Failure("Expected a whole number of parts")
    return split(run, _text(pattern), text, None if most is None else int(most))


def _repeat(run: Run, text: str, times: Any) -> str:
    if not is_number(times) or times < 0:
        raise Failure("A text can only be repeated a whole number of times")
    run.grow(len(text) * int(times))
    return text * int(times)


def _get(run: Run, value: Mapping[Any, Any], key: Any, default: Any = None) -> Any:
    return value.get(key, default) if isinstance(key, Hashable) else default


def replace_all(run: Run, text: str, old: str, new: str) -> str:
    """Return the text with every occurrence replaced, after asking whether the result may get that long."""
    run.charge(1 + (len(text) >> 8))
    if len(new) > len(old):
        run.grow(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


_TEXT: dict[str, Method] = {
    "length": (lambda run, text: len(text), 0, 0),
    "isEmpty": (lambda run, text: not text, 0, 0),
    "empty": (lambda run, text: not text, 0, 0),
    "isBlank": (lambda run, text: not text.strip(), 0, 0),
    "blank": (lambda run, text: not text.strip(), 0, 0),
    "trim": (lambda run, text: text.strip(), 0, 0),
    "strip": (lambda run, text: text.strip(), 0, 0),
    "toUpperCase": (lambda run, text: text.upper(), 0, 0),
    "toLowerCase": (lambda run, text: text.lower(), 0, 0),
    "toString": (lambda run, text: text, 0, 0),
    "contains": (lambda run, text, part: _text(part) in text, 1, 1),
    "startsWith": (lambda run, text, part: text.startswith(_text(part)), 1, 1),
    "endsWith": (lambda run, text, part: text.endswith(_text(part)), 1, 1),
    "indexOf": (lambda run, text, part: text.find(_text(part)), 1, 1),
    "lastIndexOf": (lambda run, text, part: text.rfind(_text(part)), 1, 1),
    "equals": (lambda run, text, other: java_equals(run, text, other), 1, 1),
    "equalsIgnoreCase": (lambda run, text, other: text.lower() == java_text(run, other).lower(), 1, 1),
    "substring": (_substring, 1, 2),
    "charAt": (_char_at, 1, 1),
    "replace": (_replace, 2, 2),
    "repeat": (_repeat, 1, 1),
    "split": (_split, 1, 2),
}
_LIST: dict[str, Method] = {
    "size": (lambda run, items: len(items), 0, 0),
    "isEmpty": (lambda run, items: not items, 0, 0),
    "empty": (lambda run, items: not items, 0, 0),
    "contains": (lambda run, items, item: contains(run, items, item), 1, 1),
    "indexOf": (lambda run, items, item: index_of(run, items, item), 1, 1),
    "get": (lambda run, items, at: items[_index(at, len(items) - 1)], 1, 1),
}
_MAP: dict[str, Method] = {
    "size": (lambda run, entries: len(entries), 0, 0),
    "isEmpty": (lambda run, entries: not entries, 0, 0),
    "containsKey": (lambda run, entries, key: isinstance(key, Hashable) and key in entries, 1, 1),
    "get": (_get, 1, 1),
    "getOrDefault": (_get, 2, 2),
    "keySet": (lambda run, entries: list(entries), 0, 0),
    "values": (lambda run, entries: [entries[key] for key in entries], 0, 0),
}
METHODS: tuple[tuple[Any, dict[str, Method]], ...] = ((str, _TEXT), ((list, tuple), _LIST), (Mapping, _MAP))
"""Kinds of values with their methods."""
