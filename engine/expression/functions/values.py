"""Functions on values: ranges, extremes, parsing, rendering of templates found in values, encryption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.expression.arithmetic import compare
from engine.expression.data.ion_reading import read_ion
from engine.expression.data.json_reading import read_json
from engine.expression.data.yaml_reading import read_yaml
from engine.expression.errors import Failure
from engine.expression.filters.texts import text_of
from engine.expression.functions.cipher import decrypt, encrypt
from engine.expression.numbers import Long, is_number
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FUNCTIONS = Registry()
CIPHER_COST = 12
"""Steps for every 16 bytes that are encrypted or decrypted."""


@FUNCTIONS.add("range", "start", "end", "increment", required=2)
def _range(run: Run, start: Any, end: Any, increment: Any = None) -> list[Any]:
    step = 1 if increment is None else increment
    if not is_number(step) or int(step) == 0:
        raise Failure("the increment must be a number other than 0")
    step = int(step)
    if is_number(start) and is_number(end):
        first, last = int(start), int(end)
        run.charge(max(0, (last - first) // step + 1))
        return [Long(each) for each in range(first, last + (1 if step > 0 else -1), step)]
    if isinstance(start, str) and isinstance(end, str) and len(start) == len(end) == 1:
        first, last = ord(start), ord(end)
        run.charge(max(0, (last - first) // step + 1))
        return [chr(each) for each in range(first, last + (1 if step > 0 else -1), step)]
    raise Failure("start and end must be numbers, or texts of one character")


def _extreme(run: Run, operator: str, values: tuple[Any, ...]) -> Any:
    found: Any = None
    for value in values:
        if found is None or compare(run, operator, value, found):
            found = value
    return found


@FUNCTIONS.add_variadic("max")
def _max(run: Run, *values: Any) -> Any:
    return _extreme(run, ">", values)


@FUNCTIONS.add_variadic("min")
def _min(run: Run, *values: Any) -> Any:
    return _extreme(run, "<", values)


def _parsed_json(run: Run, value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        value = value.decode("utf-8", "replace")
    return None if value is None else read_json(run, text_of(value))


FUNCTIONS.add("fromJson", "json", required=1)(_parsed_json)
FUNCTIONS.add("json", "json", required=1)(_parsed_json)


@FUNCTIONS.add("fromIon", "ion", "allRows", required=1)
def _from_ion(run: Run, ion: Any, all_rows: Any = None) -> Any:
    if ion is None:
        return None
    if isinstance(ion, (bytes, bytearray)):
        ion = ion.decode("utf-8", "replace")
    if all_rows is True:
        return read_ion(run, text_of(ion))
    found = read_ion(run, text_of(ion), 1)
    return found[0] if found else None


@FUNCTIONS.add("yaml", "yaml", required=1)
def _yaml(run: Run, value: Any) -> Any:
    return read_yaml(run, text_of(value))


@FUNCTIONS.add("render", "toRender", "recursive", required=1)
def _render(run: Run, value: Any, recursive: Any = None) -> Any:
    return _rendered(run, value, recursive is None or recursive is True, 0)


@FUNCTIONS.add("renderOnce", "toRender", required=1)
def _render_once(run: Run, value: Any) -> Any:
    return _rendered(run, value, False, 0)


def _rendered(run: Run, value: Any, recursive: bool, depth: int) -> Any:
    run.charge(1)
    if depth > 60:
        raise Failure("maps and lists nested deeper than 60")
    if isinstance(value, str):
        return run.settled(value) if recursive else run.nested(value)
    if isinstance(value, Mapping):
        return {
            _rendered(run, key, recursive, depth + 1): _rendered(run, each, recursive, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_rendered(run, each, recursive, depth + 1) for each in value]
    return value


@FUNCTIONS.add("encrypt", "key", "plaintext", required=2)
def _encrypt(run: Run, key: Any, plaintext: Any) -> str:
    text = text_of(plaintext)
    run.charge(100 + len(text) * CIPHER_COST // 4)
    return encrypt(text_of(key), text, run.chance("encrypt"))


@FUNCTIONS.add("decrypt", "key", "encrypted", required=2)
def _decrypt(run: Run, key: Any, encrypted: Any) -> str:
    text = text_of(encrypted)
    run.charge(100 + len(text) * CIPHER_COST // 16)
    return decrypt(text_of(key), text)
