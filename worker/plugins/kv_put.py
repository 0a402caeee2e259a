"""Changes a part of a key's value, or all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.key_values import Content, Entry, kind_of
from engine.values import merged, nested
from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.properties import Properties, Text


class PutProperties(Properties):
    """Properties of `kv.Put`."""

    key: Text
    value: Any = None
    namespace: Text | None = None
    error_on_missing: bool = False


def run(context: RunContext, properties: PutProperties) -> Result:
    """Merge a map into the value, set single fields of it, or replace it; description and expiry stay."""
    key, namespace = properties.key, properties.namespace or context.job.namespace

    def edit(before: Entry | None) -> Content:
        if before is None and properties.error_on_missing:
            raise TaskFailed(
                f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
            )
        value = changed(None if before is None else before.value, properties.value)
        if before is None:
            return Content(kind=kind_of(value), value=value)
        return Content(kind=kind_of(value), value=value, description=before.description, expires_ms=before.expires_ms)

    context.keys.change(namespace, key, edit)
    return Result()


def changed(old: Any, given: Any) -> Any:
    """Return what a value becomes.

    Args:
        old: What it is; None if there is none.
        given: A map that is merged into a map; a list of `key` and `value`, whose keys name fields (`a.b` within maps);
            a list of one `value` alone, or anything else, which replaces it.

    Raises:
        TaskFailed: If the fields of something that has none are to be set, or `key` is no text.
    """
    fields = _fields(given)
    if fields is None:
        return merged(old, given) if isinstance(old, Mapping) and isinstance(given, Mapping) else given
    if len(fields) == 1 and "key" not in fields[0]:
        return fields[0]["value"]
    names = [each.get("key") for each in fields]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise TaskFailed("value: expected a text as 'key' of each entry, or one entry that has a 'value' only")
    if old is not None and not isinstance(old, Mapping):
        raise TaskFailed(f"value: expected that the key holds a map whose fields can be set, but it is {kind_of(old)}")
    return merged(old or {}, nested({str(each["key"]): each["value"] for each in fields}))


def _fields(given: Any) -> list[Mapping[str, Any]] | None:
    """Return the entries of a list of `key` and `value`, None if it is something else."""
    if not isinstance(given, list) or not given:
        return None
    if all(isinstance(each, Mapping) and "value" in each and set(each) <= {"key", "value"} for each in given):
        return given
    return None


PLUGIN = Plugin("io.kestra.plugin.core.kv.Put", PutProperties, run, typed=frozenset({"value"}))
