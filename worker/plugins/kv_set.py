"""Sets a key of a namespace."""

from __future__ import annotations

from typing import Any

from engine.key_values import Content, Kind, kind_of, value_as
from engine.values import parse_duration_ms
from worker.context import Plugin, Result, RunContext
from worker.properties import Properties, Text


class SetProperties(Properties):
    """Properties of `kv.Set`."""

    key: Text
    value: Any = None
    namespace: Text | None = None
    overwrite: bool = True
    ttl: Text | None = None
    kv_type: Kind | None = None
    kv_description: Text | None = None


def run(context: RunContext, properties: SetProperties) -> Result:
    """Set the key."""
    kind, value = properties.kv_type, properties.value
    ttl_ms = None if properties.ttl is None else parse_duration_ms(properties.ttl)
    content = Content(
        kind=kind or kind_of(value),
        value=value_as(value, kind) if kind else value,
        description=properties.kv_description,
        expires_ms=context.keys.expiry(ttl_ms),
    )
    namespace = properties.namespace or context.job.namespace
    context.keys.set(namespace, properties.key, content, overwrite=properties.overwrite)
    return Result()


PLUGIN = Plugin("io.kestra.plugin.core.kv.Set", SetProperties, run, typed=frozenset({"value"}))
