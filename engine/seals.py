"""Values that are kept encrypted from the API to the worker: SECRET inputs.

Owns how such a value looks in an execution (as Kestra writes it), and that the engine never reads one: whoever needs
its text asks a worker, which hides it in the logs. Where the key comes from is an operator's decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from engine.expression.errors import Failure, NeedsWorld
from engine.expression.functions.cipher import decrypt, encrypt
from engine.flow.inputs import ids_of
from engine.flow.model import Input

TYPE = "io.kestra.datatype:aes_encrypted"
MARK = TYPE.encode()
"""Stands in the JSON of whatever holds a sealed value."""


def seal(key: str, text: str, chance: int) -> dict[str, str]:
    """Return the sealed value of a text.

    Args:
        key: 16, 24 or 32 bytes as Base64.
        text: What to hide.
        chance: Any number; another one gives another value.

    Raises:
        ValueError: If the key is none.
    """
    try:
        return {"type": TYPE, "value": encrypt(key, text, chance)}
    except Failure as problem:
        raise ValueError(str(problem)) from None


def is_sealed(value: Any) -> bool:
    """Return whether a JSON-like value is a sealed one."""
    return isinstance(value, Mapping) and value.keys() == {"type", "value"} and value["type"] == TYPE


def unsealed(value: Any, open_one: Callable[[str], Any]) -> Any:
    """Return a JSON-like value with each sealed one in it replaced by what `open_one` makes of it."""
    if isinstance(value, Mapping):
        if is_sealed(value):
            return open_one(str(value["value"]))
        return {key: unsealed(inner, open_one) for key, inner in value.items()}
    if isinstance(value, list):
        return [unsealed(inner, open_one) for inner in value]
    return value


def text_of_sealed(key: str, encrypted: str) -> str:
    """Return the text of a sealed value.

    Raises:
        ValueError: If it was sealed with another key.
    """
    try:
        return decrypt(key, encrypted)
    except Failure as problem:
        raise ValueError(str(problem)) from None


class Closed(Mapping[str, Any]):
    """A map with sealed values, where nobody may read them: a template that reaches for one needs a worker.

    Args:
        values: What it holds.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        """Return a value that isn't sealed.

        Raises:
            NeedsWorld: If it is.
        """
        value = self._values[key]
        if is_sealed(value):
            raise NeedsWorld("inputs", "A SECRET input can't be read here: only workers have its text")
        return Closed(value) if isinstance(value, Mapping) else value

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._values)


def secret_names(inputs: Iterable[Input]) -> frozenset[str]:
    """Return the first part of the name of each SECRET input: `a` of `a.b`."""
    return frozenset(each.split(".")[0] for each in ids_of(inputs, "SECRET"))
