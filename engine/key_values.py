"""Entries of a namespace's key-value store: keys, the kinds of values, and the document that an entry is kept as.

Owns what is the same for tasks, templates and the API. Where the documents lie is `worker/storage/key_values.py`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from engine.expression.data.ion_reading import read_ion
from engine.expression.dates.reading import read
from engine.expression.dates.writing import write
from engine.expression.errors import Failure
from engine.expression.plain import plain_value
from engine.flow.shapes.flow_parts import NAMESPACE
from engine.values import parse_duration_ms, to_json

KEY_LENGTH_MAX = 240
"""With the ending of its document it stays a name that file systems take."""
NAMESPACE_LENGTH_MAX = 150
DOCUMENT_BYTES_MAX = 1024 * 1024
"""Values are read whole, by templates too; what is larger is a file."""

_KEY = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")
_DURATION = re.compile(r"P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")


class Kind(StrEnum):
    """What a value is, spelled as clients of the REST API know it.

    Days, times and durations are texts in their ISO form.
    """

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    DATE = "DATE"
    DURATION = "DURATION"
    JSON = "JSON"


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is said when a key is set."""

    kind: Kind
    value: Any
    description: str | None = None
    expires_ms: int | None = None
    """When its value is gone; None: never."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A key of a namespace with its value, and what is known about it."""

    namespace: str
    key: str
    kind: Kind = msgspec.field(name="type")
    value: Any
    description: str | None = None
    version: int = 1
    """How often the key was set since it was last deleted."""
    created_ms: int
    updated_ms: int
    expires_ms: int | None = None

    def is_live(self, now_ms: int) -> bool:
        """True as long as the entry hasn't expired; from then on nobody must see its value."""
        return self.expires_ms is None or now_ms < self.expires_ms


def check_key(key: str) -> str:
    """Return a key that can be one.

    Raises:
        ValueError: If it can't.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(
            "Key must start with an alphanumeric character (uppercase or lowercase) and can contain alphanumeric "
            "characters (uppercase or lowercase), dots (.), underscores (_), and hyphens (-) only, "
            f"but got {key[:80]!r}"
        )
    if len(key) > KEY_LENGTH_MAX:
        raise ValueError(f"Expected a key of at most {KEY_LENGTH_MAX} characters, but it has {len(key)}")
    return key


def check_namespace(namespace: str) -> str:
    """Return a name that a namespace can have.

    Raises:
        ValueError: If it can't.
    """
    if not NAMESPACE.fullmatch(namespace) or len(namespace) > NAMESPACE_LENGTH_MAX:
        raise ValueError(
            f"Expected a namespace of at most {NAMESPACE_LENGTH_MAX} characters that matches '{NAMESPACE.pattern}', "
            f"but got {namespace[:80]!r}"
        )
    return namespace


def with_those_around(namespace: str) -> list[str]:
    """Return a namespace and those around it, nearest first.

    Example:
        >>> with_those_around("a.b.c")
        ['a.b.c', 'a.b', 'a']
    """
    parts = namespace.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


Get = Callable[[str, str], Entry | None]
"""From namespace and key to the live entry."""


def kv_function(own_namespace: str, get: Get) -> Callable[..., Any]:
    """Return the function `kv` of templates.

    Args:
        own_namespace: Of the flow; without another one it counts, and then those around it, the nearest first.
        get: Reads the stores.
    """

    # The arguments' names are those of the language.
    def kv(key: Any, namespace: Any = None, errorOnMissing: Any = None) -> Any:
        wanted = own_namespace if namespace is None else str(namespace)
        places = with_those_around(wanted) if namespace is None else [wanted]
        found = next((entry for place in places if (entry := get(place, str(key))) is not None), None)
        if found is None and errorOnMissing is not False:
            raise ValueError(f"The key '{key}' does not exist in the namespace '{wanted}'.")
        return None if found is None else found.value

    return kv


_decoder = msgspec.json.Decoder(Entry)


def entry_from_json(document: bytes) -> Entry:
    """Return the entry of a document.

    Raises:
        ValueError: If it isn't one.
    """
    try:
        return _decoder.decode(document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"Expected the document of a key, but it is damaged: {error}") from None


def entry_to_json(entry: Entry) -> bytes:
    """Return the document of an entry.

    Raises:
        ValueError: If JSON has no word for the value, or it is too large.
    """
    if isinstance(entry.value, float) and not math.isfinite(entry.value):
        raise ValueError(f"Expected a finite number for key '{entry.key}', but got {entry.value}")
    document = to_json(entry, f"The value of key '{entry.key}'")
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError(
            f"Expected a value of at most {DOCUMENT_BYTES_MAX} bytes for key '{entry.key}', but it has "
            f"{len(document)}; keep it in a file and its address in the key"
        )
    return document


def kind_of(value: Any) -> Kind:
    """Return what a value is when nobody says it; a text like `PT5S` is a duration."""
    if value is None or isinstance(value, str):
        return Kind.DURATION if value is not None and _DURATION.fullmatch(value) else Kind.STRING
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.NUMBER if isinstance(value, int | float) else Kind.JSON


def value_as(value: Any, kind: Kind) -> Any:
    """Return a value as one of a kind, whether it comes as itself or as text.

    Raises:
        ValueError: If it is none.
    """
    match kind:
        case Kind.STRING:
            return value if value is None or isinstance(value, str) else to_json(value, "The value").decode()
        case Kind.NUMBER:
            found = _parsed(value)
            if isinstance(found, int | float) and not isinstance(found, bool):
                return found
        case Kind.BOOLEAN:
            found = _parsed(value.lower()) if isinstance(value, str) else value
            if isinstance(found, bool):
                return found
        case Kind.JSON:
            found = _parsed(value)
            if not isinstance(value, str) or found is not None or value.strip() == "null":
                return found
        case Kind.DATETIME if isinstance(value, str):
            return _instant(value)
        case Kind.DATE if isinstance(value, str):
            return _day(value)
        case Kind.DURATION if isinstance(value, str) and value.lstrip("+-")[:1] in ("P", "p"):
            parse_duration_ms(value)
            return value
    raise ValueError(f"Expected a value of type {kind}, such as {_EXAMPLES[kind]}, but got {str(value)[:200]!r}")


_EXAMPLES = {
    Kind.STRING: "text",
    Kind.NUMBER: "4.2",
    Kind.BOOLEAN: "true",
    Kind.DATETIME: "2026-01-31T08:00:00Z",
    Kind.DATE: "2026-01-31",
    Kind.DURATION: "PT5M",
    Kind.JSON: '{"a": 1}',
}


def read_value(text: str) -> tuple[Kind, Any]:
    """Return the value of a text in ION, a superset of JSON, and what it is.

    Raises:
        ValueError: If it isn't exactly one value.

    Example:
        >>> read_value('"hello"'), read_value("{a: 1}"), read_value("2026-01-31")
        ((<Kind.STRING: 'STRING'>, 'hello'), (<Kind.JSON: 'JSON'>, {'a': 1}), (<Kind.DATE: 'DATE'>, '2026-01-31'))
    """
    written = text.strip()
    if _DAY.fullmatch(written):
        return Kind.DATE, _day(written)
    if _INSTANT.fullmatch(written):
        return Kind.DATETIME, _instant(written)
    try:
        value = msgspec.json.decode(written)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = _read_ion(written)
        if isinstance(value, str) and written[0].isdigit():
            return Kind.DATE, value  # a year or a month: texts begin with a quote or a letter
    return kind_of(value), value


class _Uncounted:
    """Reading without a budget: the text's length is one."""

    def charge(self, steps: int) -> None:
        """See `engine.expression.printing.Counter.charge`."""

    def grow(self, characters: int) -> None:
        """See `engine.expression.printing.Counter.grow`."""


def _read_ion(text: str) -> Any:
    counter = _Uncounted()
    try:
        found = read_ion(counter, text, 2)
        if len(found) == 1:
            return plain_value(counter, found[0])
    except Failure as error:
        raise ValueError(f"Expected a value in ION or JSON, but it is {error}; put a text in quotes") from None
    raise ValueError(f"Expected one value in ION or JSON, but got {text[:80]!r}; put a text in quotes")


def _parsed(value: Any) -> Any:
    """Return what a text says in JSON, None if that is nothing; other values as they are."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value.strip())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _instant(text: str) -> str:
    try:
        return write(read(text.strip(), None, "Z"), "iso_instant")
    except Failure as error:
        raise ValueError(f"Expected a time such as 2026-01-31T08:00:00Z, but got {text[:80]!r}: {error}") from None


def _day(text: str) -> str:
    """Return the day, as it is written, of a day or a time."""
    try:
        return write(read(text.strip(), None, "Z"), "iso_local_date")
    except Failure as error:
        raise ValueError(f"Expected a day such as 2026-01-31, but got {text[:80]!r}: {error}") from None
