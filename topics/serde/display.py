"""Messages as JSON values, for people: `penstock topics tail` and reports.

Owns how a message looks to a person. Nothing reads it back.
"""

from __future__ import annotations

from typing import Any

import msgspec

TYPE = "@type"
"""Key that holds a message's class; no field can be called so."""


def to_json(message: msgspec.Struct) -> dict[str, Any]:
    """Return a message as values that `json.dumps` takes.

    Bytes in fields named `…_json` are shown as the JSON that they hold (as text if they don't hold any), other bytes
    as text if they are printable and in hexadecimal otherwise; every message and nested record says its class.
    """
    found: dict[str, Any] = {TYPE: type(message).__name__}
    for name in message.__struct_fields__:
        value = getattr(message, name)
        found[name] = _json(value) if name.endswith("_json") and isinstance(value, bytes) else _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return to_json(value)
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _json(value: bytes) -> Any:
    if not value:
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _text(value)


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()
    return text if text.isprintable() else "0x" + value.hex()
