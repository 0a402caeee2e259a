"""What a given value becomes under the type of its input: parsing and checking, one function for each type.

Owns nothing about which input gets which value; that is `resolve.py`'s. Every failure is a `ValueError` whose
message says what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.inputs.bounds import Properties, check_bounds, shown
from engine.inputs.times import read_date, read_datetime, read_duration, read_time

VALIDATOR_TIMEOUT_S = 0.5
"""Patterns come from flows and may be hostile."""
TEXT_MAX = 2 * 1024 * 1024
FILE_SCHEMES = ("kestra", "file", "nsfile")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_INT32 = range(-(2**31), 2**31)


def _string(value: Any, properties: Properties) -> str:
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list | dict):
        text = msgspec.json.encode(value).decode()
    else:
        text = str(value)
    if len(text) > TEXT_MAX:
        raise ValueError(f"Expected at most {TEXT_MAX} characters, but got {len(text)}: use a FILE input")
    _match_validator(text, properties.get("validator"))
    return text


def _match_validator(text: str, pattern: Any) -> None:
    if not pattern:
        return
    from engine.expression.java_patterns import java_pattern

    try:
        compiled = java_pattern(str(pattern))
    except ValueError as error:
        raise ValueError(f"The validator {pattern!r} is no pattern: {error}") from None
    try:
        matches = compiled.fullmatch(text, timeout=VALIDATOR_TIMEOUT_S) is not None
    except TimeoutError:
        raise ValueError(f"The validator {pattern!r} takes too long on {shown(text)}") from None
    if not matches:
        raise ValueError(f"Expected a text that matches {pattern!r}, but got {shown(text)}")


def _int(value: Any, properties: Properties) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,20}", str(value).strip()):
        raise ValueError(f"Expected a whole number, but got {shown(value)}")
    number = int(str(value).strip())
    if number not in _INT32:
        raise ValueError(f"Expected a whole number of 32 bits, but got {number}")
    check_bounds(number, properties, "min", "max", float)
    return number


def _float(value: Any, properties: Properties) -> float:
    try:
        if isinstance(value, bool | list | dict):
            raise ValueError
        number = float(str(value).strip())
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError
    except ValueError:
        raise ValueError(f"Expected a number, but got {shown(value)}") from None
    check_bounds(number, properties, "min", "max", float)
    return number


def _bool(value: Any, _properties: Properties) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() == "true"


def _file(value: Any, properties: Properties) -> str:
    text = str(value)
    if urlsplit(text).scheme not in FILE_SCHEMES:
        raise ValueError(
            f"Expected a file, or an address that begins with {', '.join(FILE_SCHEMES)}, but got {shown(value)}"
        )
    extensions = [str(e).lower() for e in properties.get("allowedFileExtensions") or ()]
    if extensions and not text.lower().endswith(tuple(extensions)):
        raise ValueError(f"Expected a file that ends in {', '.join(extensions)}, but got {shown(value)}")
    return text


def _json(value: Any, _properties: Properties) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"Expected JSON, but got {shown(value)}: {error}") from None


def _yaml(value: Any, _properties: Properties) -> Any:
    if not isinstance(value, str):
        return value
    from engine.flow.document import read_documents

    document = read_documents(value)[0]
    if document.problems:
        raise ValueError(f"Expected YAML, but got {shown(value)}: {document.problems[0]}")
    return document.value


def _uri(value: Any, _properties: Properties) -> str:
    text = str(value).strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or not text[len(parts.scheme) + 1 :] or re.search(r"\s", text):
        raise ValueError(f"Expected a URI with a scheme, such as https://example.org/x, but got {shown(value)}")
    if parts.scheme in ("http", "https", "ftp", "ws", "wss") and not parts.hostname:
        raise ValueError(f"Expected a host after {parts.scheme}://, but got {shown(value)}")
    return text


def _email(value: Any, _properties: Properties) -> str:
    text = str(value).strip()
    if text and not _EMAIL.fullmatch(text):
        raise ValueError(f"Expected an e-mail address, but got {shown(value)}")
    return text


def options(properties: Properties) -> list[str]:
    """Return the values that a SELECT or MULTISELECT offers."""
    found = properties.get("values") or properties.get("options") or ()
    return [str(v.get("value")) if isinstance(v, Mapping) else _option(v) for v in found]


def _option(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _select(value: Any, properties: Properties) -> str:
    text = _option(value)
    offered = options(properties)
    if text not in offered and not properties.get("allowCustomValue"):
        raise ValueError(f"Expected one of {', '.join(offered)}, but got {shown(value)}")
    return text


def _multiselect(value: Any, properties: Properties) -> list[Any]:
    offered = options(properties)
    items = _list(value)
    wrong = [item for item in items if _option(item) not in offered]
    if wrong and not properties.get("allowCustomValue"):
        raise ValueError(f"Expected some of {', '.join(offered)}, but got {shown(wrong[0])}")
    return _each(items, str(properties.get("itemType") or "STRING"))


def _array(value: Any, properties: Properties) -> list[Any]:
    return _each(_list(value), str(properties.get("itemType") or "STRING"))


def _list(value: Any) -> list[Any]:
    found = value
    if isinstance(value, str):
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            found = _yaml(value, {})
    if not isinstance(found, list | tuple):
        raise ValueError(f"Expected a list such as [1, 2], but got {shown(value)}")
    return list(found)


def _each(items: Sequence[Any], kind: str) -> list[Any]:
    result = []
    for index, item in enumerate(items):
        try:
            result.append(parse_value(kind, {}, item))
        except ValueError as error:
            raise ValueError(f"element {index}: {error}") from None
    return result


PARSERS: Mapping[str, Callable[[Any, Properties], Any]] = {
    "STRING": _string,
    "SECRET": _string,
    "INT": _int,
    "FLOAT": _float,
    "BOOL": _bool,
    "BOOLEAN": _bool,
    "DATETIME": read_datetime,
    "DATE": read_date,
    "TIME": read_time,
    "DURATION": read_duration,
    "FILE": _file,
    "JSON": _json,
    "YAML": _yaml,
    "URI": _uri,
    "EMAIL": _email,
    "SELECT": _select,
    "ENUM": _select,
    "MULTISELECT": _multiselect,
    "ARRAY": _array,
}


def parse_value(kind: str, properties: Properties, value: Any) -> Any:
    """Return a value under its type, as JSON keeps it.

    Args:
        kind: Type of the input: a key of `PARSERS`.
        properties: What the type knows besides: bounds, validator, values …
        value: As given: text of a form, or any JSON value.

    Raises:
        ValueError: If it isn't what the type wants; the message says what was expected.
    """
    parser = PARSERS.get(kind)
    if parser is None:
        raise ValueError(f"Inputs of type {kind} can't be given a value")
    return parser(value, properties)
