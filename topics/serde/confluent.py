"""A Confluent schema registry behind the codec: ids of our schemas, schemas of others' ids.

Owns the naming of subjects and the translation of the client's errors. It needs the extra `schema-registry`; without a
registry nothing here is imported.

Subjects are record names (`penstock.ExecutionStep`), not topic names: our topics carry several messages each
(`executions.events` claims and steps, every inbox a dozen commands), and a subject is the unit of compatibility, so
each message evolves by itself and has one history, whichever topics carry it and whatever their prefix is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import schemas
from topics.ports import FatalLogError, LogError
from topics.serde.codec import UnknownSchema
from topics.serde.schema import schema_of
from topics.serde.table import RECORDS

TIMEOUT_S = 10.0
"""A registry that doesn't answer for so long is away; the reader that waits for it holds up its partitions."""

RETRIES = 2
RETRY_WAIT_MS = 200
"""First wait between tries; the client doubles it, with jitter."""

CONFLICT = (409, 422)
"""HTTP status of a registry that refuses a schema: incompatible, invalid."""


class ConfluentRegistry:
    """Implements `topics.serde.Registry` with confluent-kafka's client. Schemas and ids are cached for good.

    Args:
        url: Where the registry is; several, separated by commas, are tried in turn.
        options: Further settings of the client by its own names: `basic.auth.user.info`, `ssl.ca.location` …
        register: False: only look schemas up, for registries that only a pipeline may write to.

    Raises:
        FatalLogError: If the extra isn't installed or the client refuses the settings.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, *, register: bool = True) -> None:
        try:
            from confluent_kafka import schema_registry
        except ImportError as error:
            raise FatalLogError(
                "schema_registry.url is set, but its client isn't installed: pip install 'penstock[schema-registry]'"
            ) from error
        limits = {"timeout": TIMEOUT_S, "max.retries": RETRIES, "retries.wait.ms": RETRY_WAIT_MS}
        try:
            self._client = schema_registry.SchemaRegistryClient({**limits, **(options or {}), "url": url})
        except (TypeError, ValueError) as error:
            raise FatalLogError(f"The schema registry's settings aren't right: {error}") from error
        self._refused: type[Exception] = schema_registry.SchemaRegistryError
        self._schema_class: Any = schema_registry.Schema
        self._url = url
        self._register = register

    def id_of(self, name: str) -> int:
        """Return the id of a message's current schema, registering it if allowed.

        Raises:
            FatalLogError: If the registry refuses the schema, or doesn't have it and may not be written to.
            LogError: If the registry can't be reached.
        """
        subject = subject_of(name)
        schema = self._schema_class(json.dumps(schema_of(RECORDS[name])), "AVRO")
        try:
            if self._register:
                return int(self._client.register_schema(subject, schema))
            found: Any = self._client.lookup_schema(subject, schema)
            return int(found.schema_id)
        except self._refused as error:
            status = getattr(error, "http_status_code", 0)
            if status in CONFLICT:
                raise FatalLogError(
                    f"The schema registry refuses {subject}: {error}. Unions of events grow, so the subjects of steps "
                    "need the compatibility BACKWARD_TRANSITIVE"
                ) from error
            if status == 404:
                raise FatalLogError(f"The schema registry doesn't have {subject}, and registering is off") from error
            raise self._away(error) from error
        except Exception as error:
            raise self._away(error) from error

    def schema_of(self, id: int) -> dict[str, Any]:
        """Return a schema as JSON.

        Raises:
            UnknownSchema: If the registry has no such id, or it is no record of Avro.
            LogError: If the registry can't be reached.
        """
        try:
            schema = self._client.get_schema(id)
        except self._refused as error:
            if getattr(error, "http_status_code", 0) == 404:
                raise UnknownSchema(f"The schema registry has no schema {id}, which the record names") from error
            raise self._away(error) from error
        except Exception as error:
            raise self._away(error) from error
        try:
            definition = json.loads(schema.schema_str or "")
        except (ValueError, RecursionError) as error:
            raise UnknownSchema(f"Schema {id} of the registry is no JSON") from error
        if not (isinstance(definition, dict) and definition.get("type") == "record"):
            raise UnknownSchema(f"Schema {id} of the registry is no record of Avro")
        return definition

    def _away(self, error: Exception) -> LogError:
        return LogError(f"The schema registry at {self._url} doesn't answer as it should: {error}")


def subject_of(name: str) -> str:
    """Return the registry's subject of a message."""
    return f"{schemas.NAMESPACE}.{name}"
