"""`penstock kv`: keys and values of namespaces, in the storage itself; no server is asked, and none need be stopped.

Owns the words at the terminal. What a key and a value may be is `engine/key_values.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from deploy.open_log import storage_folder
from deploy.problems import UserError
from deploy.roles import clocks
from deploy.settings import Settings
from engine.key_values import Content, Kind, read_value, value_as
from engine.values import iso, parse_duration_ms
from worker.storage.key_values import KeyValues
from worker.storage.local import LocalStorage


@contextmanager
def stores_of(settings: Settings, *, make: bool = False) -> Iterator[KeyValues]:
    """Give the stores; what can't be a namespace, a key or a value becomes a UserError.

    Args:
        settings: Say where the storage is.
        make: Make the storage's folder if it is missing.

    Raises:
        UserError: Also if there is no storage, and none is to be made.
    """
    folder = storage_folder(settings)
    if not make and not folder.is_dir():
        raise UserError(
            f"there is no storage at {folder}: name the folder of the data with --data, or the setting storage"
        )
    try:
        yield KeyValues(LocalStorage(folder), clocks().now_ms)
    except ValueError as error:
        raise UserError(str(error)) from None


def list_keys(settings: Settings, namespace: str, prefix: str) -> int:
    """Print the keys of a namespace, each with type, version and end."""
    with stores_of(settings) as stores:
        entries = stores.entries(namespace, prefix)
    width = max((len(entry.key) for entry in entries), default=0)
    for entry in entries:
        end = "" if entry.expires_ms is None else f"  until {iso(entry.expires_ms)}"
        print(f"{entry.key:{width}}  {entry.kind:8}  version {entry.version}{end}")
    return 0


def print_value(settings: Settings, namespace: str, key: str) -> int:
    """Print the value of a key: a text as it is, all else as JSON."""
    with stores_of(settings) as stores:
        entry = stores.get(namespace, key)
    if entry is None:
        raise UserError(f"namespace {namespace} has no key '{key}'; `penstock kv list {namespace}` shows those it has")
    print(entry.value if isinstance(entry.value, str) else msgspec.json.encode(entry.value).decode())
    return 0


def set_value(
    settings: Settings,
    namespace: str,
    key: str,
    text: str,
    *,
    kind: str | None = None,
    ttl: str | None = None,
    description: str | None = None,
) -> int:
    """Set a key.

    Args:
        settings: Say where the storage is.
        namespace: Whose key.
        key: Which one.
        text: The value; without a type it is read as ION or JSON.
        kind: Its type.
        ttl: How long it lives.
        description: For people.
    """
    with stores_of(settings, make=True) as stores:
        found, value = (Kind(kind), value_as(text, Kind(kind))) if kind else read_value(text)
        expires_ms = stores.expiry(None if ttl is None else parse_duration_ms(ttl))
        content = Content(kind=found, value=value, description=description, expires_ms=expires_ms)
        entry = stores.set(namespace, key, content)
    print(f"{entry.key}: {entry.kind}, version {entry.version}")
    return 0


def delete_key(settings: Settings, namespace: str, key: str) -> int:
    """Delete a key; 1 if there was none."""
    with stores_of(settings) as stores:
        if stores.delete(namespace, key):
            return 0
    raise UserError(f"namespace {namespace} has no key '{key}'")
