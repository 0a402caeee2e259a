"""How a key is taken from a value: keys of maps, indexes of lists, and a closed list of methods.

Nothing here ever asks a Python object for an attribute by a name from a template; that is what keeps templates away
from the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.methods import METHODS
from engine.expression.numbers import is_number
from engine.expression.printing import Entry, java_text

if TYPE_CHECKING:
    from engine.expression.state import Run


class Absent(Exception):
    """A key that isn't there; carries the names that are."""

    def __init__(self, known: Iterable[Any] = ()) -> None:
        super().__init__()
        self.known = known


def take(run: Run, value: Any, key: Any) -> Any:
    """Return what a value holds under a key.

    Raises:
        Absent: If it holds nothing there, or can't hold anything.
    """
    if isinstance(value, Mapping):
        try:
            return value[key]
        except (KeyError, TypeError):
            raise Absent(value) from None
    if isinstance(value, (list, tuple)):
        return _element(run, value, key)
    if isinstance(value, Entry):
        if key == "key":
            return value.key
        if key == "value":
            return value.value
        raise Absent(("key", "value"))
    return _property(run, value, key)


def _element(run: Run, value: list[Any] | tuple[Any, ...], key: Any) -> Any:
    if isinstance(key, str):
        if not (key.isascii() and key.isdigit() and len(key) < 10):
            return _property(run, value, key)
        key = int(key)
    if not is_number(key) or isinstance(key, float) or not 0 <= key < len(value):
        raise Absent((f"0 to {len(value) - 1}",) if value else ())
    return value[key]


def _property(run: Run, value: Any, key: Any) -> Any:
    """Return the value of a method that takes nothing, `text.length`, as if it were a key."""
    if isinstance(key, str):
        found = _method(value, key)
        if found is not None and found[1] == 0:
            return found[0](run, value)
    raise Absent


def _method(value: Any, name: str) -> tuple[Callable[..., Any], int, int] | None:
    for kind, methods in METHODS:
        if isinstance(value, kind):
            return methods.get(name)
    return None


def call_method(run: Run, value: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """Return the result of one of the methods that values have.

    Raises:
        Absent: If the value has no such method.
        Failure: If it takes other arguments.
    """
    found = _method(value, name)
    if found is None:
        names: list[str] = next((list(methods) for kind, methods in METHODS if isinstance(value, kind)), [])
        raise Absent(names)
    function, least, most = found
    if not least <= len(arguments) <= most:
        raise Failure(f"{name}() takes {least if least == most else f'{least} to {most}'} arguments")
    return function(run, value, *arguments)


def key_text(run: Run, key: Any) -> str:
    """Return a key as messages show it."""
    return java_text(run, key)
