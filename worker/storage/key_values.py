"""The key-value stores of all namespaces, on the storage for files.

An entry is one document, `_kv/<namespace>/<key>.json`, so that its value and what is known about it change together;
and stores lie beside each other rather than below the namespaces' folders, so that all of them can be listed without
walking through the files of executions. Changes are swaps of whole documents: whoever was overtaken looks again.

Owns the layout, expiry, and the loop of a change. What an entry is, is `engine/key_values.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from engine.key_values import (
    DOCUMENT_BYTES_MAX,
    Content,
    Entry,
    check_key,
    check_namespace,
    entry_from_json,
    entry_to_json,
    with_those_around,
)
from worker.storage.paths import uri_of
from worker.storage.port import FileMissing, Storage, StorageError

FOLDER = "_kv"
"""No namespace begins with an underscore."""
ENDING = ".json"
LISTED_MAX = 10_000
"""Each entry of a list is a file that is read."""
TRIES_MAX = 1_000
"""Of a change. Every try that fails means that another's has succeeded meanwhile."""

Edit = Callable[[Entry | None], Content | None]
"""From the entry that is there to what is to be there; None is none."""


class KeyValues:
    """The stores. Any thread may call it, and any number of processes may share the storage.

    Args:
        storage: Where the documents are.
        now_ms: The time, Unix milliseconds.
    """

    def __init__(self, storage: Storage, now_ms: Callable[[], int]) -> None:
        self._storage = storage
        self._now_ms = now_ms

    def find(self, namespace: str, key: str) -> Entry | None:
        """Return an entry even if it has expired, None if there is none.

        Raises:
            ValueError: If the namespace or the key can't be one.
            StorageError: If the storage refuses.
        """
        document = self._document(_path(namespace, key))
        return None if document is None else _entry(document, key)

    def get(self, namespace: str, key: str) -> Entry | None:
        """Return an entry, None if there is none or it has expired; raises as `find` does."""
        return self._live(self.find(namespace, key))

    def get_inherited(self, namespace: str, key: str) -> Entry | None:
        """Return the entry of the nearest namespace that has one: this one, or one around it; raises as `find` does."""
        return next((found for each in with_those_around(namespace) if (found := self.get(each, key))), None)

    def set(self, namespace: str, key: str, content: Content, *, overwrite: bool = True) -> Entry:
        """Set a key, and return its entry.

        Args:
            namespace: Whose key.
            key: Which one.
            content: Its value; not even the description of an earlier one stays.
            overwrite: False refuses to replace a value.

        Raises:
            ValueError: If it can't be set, or is set already and may not be replaced.
            StorageError: If the storage refuses.
        """

        def edit(before: Entry | None) -> Content:
            if before is not None and not overwrite:
                raise ValueError(
                    f"Cannot set value for key '{key}'. Key already exists and `overwrite` is set to `false`."
                )
            return content

        changed = self.change(namespace, key, edit)
        assert changed is not None
        return changed

    def change(self, namespace: str, key: str, edit: Edit) -> Entry | None:
        """Change a key depending on what it is, and return the entry that it has become.

        Args:
            namespace: Whose key.
            key: Which one.
            edit: Called with the live entry, again if another was quicker.

        Raises:
            ValueError: As `find` does, and if the new value can't be kept.
            StorageError: If the storage refuses, or others change the entry all the time.
        """
        path = _path(namespace, key)
        for _ in range(TRIES_MAX):
            document = self._document(path)
            stored = None if document is None else _entry(document, key)
            before = self._live(stored)
            content = edit(before)
            after = None
            if content is not None:
                now = self._now_ms()
                after = Entry(
                    namespace=namespace,
                    key=key,
                    **msgspec.structs.asdict(content),
                    version=1 if stored is None else stored.version + 1,
                    created_ms=now if before is None else before.created_ms,
                    updated_ms=now,
                )
            written = None if after is None else entry_to_json(after)
            if written == document or self._storage.swap(path, document, written):
                return after
        raise StorageError(f"The key '{key}' of namespace {namespace} is changed by others all the time; try again")

    def delete(self, namespace: str, key: str) -> bool:
        """Delete a key, and tell whether there was a live one; raises as `change` does."""
        found = False

        def edit(before: Entry | None) -> None:
            nonlocal found
            found = before is not None

        self.change(namespace, key, edit)
        return found

    def purge(self, namespace: str, key: str, *, expired_only: bool) -> bool:
        """Delete a key, if it has expired or that doesn't matter, and tell whether that was done; raises as `find`."""
        path = _path(namespace, key)
        document = self._document(path)
        if document is None or (expired_only and self._live(_entry(document, key)) is not None):
            return False
        # Whoever was quicker has set it anew, or has deleted it: both leave nothing to purge.
        return self._storage.swap(path, document, None)

    def expiry(self, ttl_ms: int | None) -> int | None:
        """Return when what is set now expires.

        Args:
            ttl_ms: After how long; None: never.

        Raises:
            ValueError: If it isn't after now.
        """
        if ttl_ms is not None and ttl_ms <= 0:
            raise ValueError(f"Expected a time to live of more than 0, but got {ttl_ms / 1000:g} s")
        return None if ttl_ms is None else self._now_ms() + ttl_ms

    def keys(self, namespace: str, prefix: str = "") -> list[str]:
        """Return the keys of a namespace that begin like this, in order, expired ones too; raises as `find` does."""
        folder = f"{FOLDER}/{check_namespace(namespace)}"
        names = (name.removesuffix(ENDING) for name in self._storage.files_in(folder) if name.endswith(ENDING))
        return sorted(name for name in names if name.startswith(prefix))

    def entries(self, namespace: str, prefix: str = "") -> list[Entry]:
        """Return the live entries of a namespace whose keys begin like this, in order.

        Raises:
            ValueError: As `find` does, and if there are more than can be listed.
            StorageError: If the storage refuses.
        """
        keys = self.keys(namespace, prefix)
        if len(keys) > LISTED_MAX:
            raise ValueError(f"Expected at most {LISTED_MAX} keys in a list, but namespace {namespace} has {len(keys)}")
        return list(self._entries(namespace, keys))

    def namespaces(self) -> list[str]:
        """Return the namespaces that have or had keys, in order."""
        return self._storage.folders_in(FOLDER)

    def _entries(self, namespace: str, keys: list[str]) -> Iterator[Entry]:
        for key in keys:
            entry = self.get(namespace, key)
            if entry is not None:
                yield entry

    def _live(self, entry: Entry | None) -> Entry | None:
        return entry if entry is not None and entry.is_live(self._now_ms()) else None

    def _document(self, path: str) -> bytes | None:
        try:
            with self._storage.open(uri_of(path)) as file:
                return file.read(DOCUMENT_BYTES_MAX + 1)
        except FileMissing:
            return None


def _path(namespace: str, key: str) -> str:
    return f"{FOLDER}/{check_namespace(namespace)}/{check_key(key)}{ENDING}"


def _entry(document: bytes, key: str) -> Entry:
    try:
        return entry_from_json(document)
    except ValueError as error:
        raise StorageError(
            f"The key '{key}' can't be read: restore or remove its file in the storage: {error}"
        ) from None
