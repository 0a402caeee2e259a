"""Encodes and decodes records: framing, limits, and the choice of encoder and decoder.

Owns the header of a record and the errors. The bodies are made by `writer` and read by `reader`.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, Protocol

import msgspec

import schemas
from topics.catalog import RECORD_BYTES_MAX
from topics.messages import Step
from topics.ports import FatalLogError, Record, RecordTooLarge
from topics.serde.reader import Decoder, decoder_of
from topics.serde.schema import schema_of
from topics.serde.table import KINDS, RECORDS
from topics.serde.writer import Encoder, encoder_of

logger = logging.getLogger(__name__)

MARKER = b"\xc3\x01"
"""First bytes of Avro's single-object encoding; eight bytes of fingerprint follow."""

REGISTRY_MARKER = 0
"""First byte of Confluent's framing; four bytes of schema id follow, highest first."""


class EncodeError(FatalLogError):
    """A message doesn't fit its schema: a bug of whoever made it, or text that isn't Unicode (a lone surrogate)."""


class DecodeError(FatalLogError):
    """Bytes that are no message of ours. Waiting doesn't mend it: put the record aside, with this as the cause."""


class UnknownSchema(DecodeError):
    """The record was written with a schema that this version doesn't have, most likely by a newer version.

    The record itself may be sound: a reader that owns a partition does better to stop than to put it aside.
    """


class Registry(Protocol):
    """What the codec asks of a schema registry; `topics/serde/confluent.py` has it."""

    def id_of(self, name: str) -> int:
        """Return the id of a message's current schema, registering it if needed."""
        ...

    def schema_of(self, id: int) -> dict[str, Any]:
        """Return a schema as JSON.

        Raises:
            UnknownSchema: If the registry has no such id.
            LogError: If it can't be reached.
        """
        ...


class _Decoders(dict[bytes, Decoder]):
    """Decoders by header of single-object encoding; made when first needed."""

    def __missing__(self, header: bytes) -> Decoder:
        definition = _known().get(header[2:])
        if definition is None:
            raise UnknownSchema(
                f"Expected a record of a schema that this version ships, but its fingerprint is {header[2:].hex()}; "
                "it was probably written by a newer version"
            )
        decoder = _decoder(definition)
        self[header] = decoder
        return decoder


class _RegistryDecoders(dict[bytes, Decoder]):
    """Decoders by header of Confluent's framing."""

    def __missing__(self, header: bytes) -> Decoder:
        id = int.from_bytes(header[1:], "big")
        if _registry is None:
            raise UnknownSchema(f"The record names schema {id} of a registry; set schema_registry.url to read it")
        decoder = _decoder(_registry.schema_of(id))
        self[header] = decoder
        return decoder


class _Encoders(dict[str, tuple[bytes, Encoder]]):
    """Header and encoder by name of schema."""

    def __missing__(self, name: str) -> tuple[bytes, Encoder]:
        if _registry is None:
            header = MARKER + schemas.fingerprint(schema_of(RECORDS[name]))
        else:
            header = bytes((REGISTRY_MARKER,)) + _registry.id_of(name).to_bytes(4, "big")
        made = self[name] = header, encoder_of(RECORDS[name])
        return made


_registry: Registry | None = None
_encoders = _Encoders()
_decoders = _Decoders()
_registry_decoders = _RegistryDecoders()


def use_registry(registry: Registry | None) -> None:
    """Frame what this process writes from now on as Confluent does, with ids of this registry; None: single-object.

    Reading accepts both framings at any time. Called once, by whoever puts the process together: it registers every
    schema, so that a registry that can't be reached or refuses one is met at the start and not by the first record.

    Raises:
        LogError: If the registry can't be reached or refuses a schema.
    """
    global _registry
    _registry = registry
    _encoders.clear()
    _registry_decoders.clear()
    if registry is not None:
        for name in RECORDS:
            _encoders[name]


def encode(message: msgspec.Struct) -> bytes:
    """Return the record value of a message; for a `Step` call `encode_step`, which knows the kind.

    Raises:
        EncodeError: If its class isn't a message or a field holds what its annotation doesn't allow.
        RecordTooLarge: If the value is over `RECORD_BYTES_MAX`.
    """
    name = type(message).__name__
    if name not in RECORDS or RECORDS[name].cls is not type(message):
        hint = "; call encode_step(kind, step)" if isinstance(message, Step) else ""
        raise EncodeError(f"Expected a message, but {name} has no schema{hint}")
    return _encode(name, message)


def encode_step(kind: str, step: Step) -> bytes:
    """Return the record value of a step.

    Args:
        kind: The aggregate's kind, a key of `KINDS`: the events alone don't tell (a step may have none).
        step: The step.

    Raises:
        EncodeError: If an event isn't one of this kind, or a field holds what its annotation doesn't allow.
        RecordTooLarge: If the value is over `RECORD_BYTES_MAX`.
    """
    return _encode(KINDS[kind].step, step)


def _encode(name: str, message: msgspec.Struct) -> bytes:
    header, encoder = _encoders[name]
    try:
        data = encoder(message, header)
    except Exception as error:
        raise EncodeError(f"{name} doesn't fit its schema: {type(error).__name__}: {error}") from error
    if len(data) > RECORD_BYTES_MAX:
        raise RecordTooLarge(f"{name} takes {len(data)} bytes, but a record holds at most {RECORD_BYTES_MAX}")
    return data


def message_of(record: Record) -> Any:
    """Return a record's message: as it came with the record, else decoded; raises as `decode` does."""
    return record.message if record.message is not None else decode(record.value)


def message_or_none(record: Record) -> Any:
    """Return a record's message; None, and a line in the log, if it can't be read and its reader can do without."""
    try:
        return message_of(record)
    except DecodeError as error:
        logger.error("%s/%d at offset %d is left out: %s", record.topic, record.partition, record.offset, error)
        return None


def decode(data: bytes) -> Any:
    """Return the message of a record value, in either framing.

    Args:
        data: The value; never a tombstone, which is no message.

    Raises:
        UnknownSchema: If this version has no such schema.
        DecodeError: If the value is anything but exactly one message, or over `RECORD_BYTES_MAX`.
        LogError: If a registry has to be asked and can't be reached (retriable: the record may be sound).
    """
    if len(data) > RECORD_BYTES_MAX:
        raise DecodeError(f"Expected at most {RECORD_BYTES_MAX} bytes, but got {len(data)}")
    if data[:2] == MARKER and len(data) >= 10:
        decoder, start = _decoders[data[:10]], 10
    elif data[:1] == b"\0" and len(data) >= 5:
        decoder, start = _registry_decoders[data[:5]], 5
    else:
        raise DecodeError(f"Expected the header of an Avro message, but the record begins with {data[:10]!r}")
    try:
        message, end = decoder(data, start)
    except Exception as error:
        raise DecodeError(f"Expected a whole message, but {type(error).__name__}: {error}") from error
    if end != len(data):
        raise DecodeError(f"Expected the message to fill the record, but it ends at {end} of {len(data)} bytes")
    return message


@functools.cache
def _known() -> dict[bytes, dict[str, Any]]:
    """Return every schema that this version can read, by fingerprint: released ones, and what it writes itself."""
    known = {each.fingerprint: each.definition for versions in schemas.released().values() for each in versions}
    known.update((schemas.fingerprint(each), each) for each in map(schema_of, RECORDS.values()))
    return known


def _decoder(definition: dict[str, Any]) -> Decoder:
    try:
        record = RECORDS[definition["name"]]
        return decoder_of(definition, record)
    except Exception as error:
        raise UnknownSchema(f"Expected a schema of one of our messages, but {type(error).__name__}: {error}") from error
