"""The wire truth: one `.avsc` per message; released versions under `released/<Name>/v<N>.avsc`.

Owns loading and fingerprints. It knows no message class: `topics/serde` derives the files from the classes, and a test
holds the two together. A released file never changes; `schemas/compat.py` says whether a new one may follow it.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
from fastavro import schema as avro

NAMESPACE = "penstock"
"""Namespace of every record, so that foreign tools make one package of them."""

RELEASED = "released"
"""Folder of the versions that were shipped."""

ALGORITHM = "CRC-64-AVRO"


class Schema(msgspec.Struct, frozen=True):
    """One version of one message's schema."""

    name: str
    """Name of the message, without namespace: the file's name."""
    version: int | None
    """Number among the released versions, from 1; None for the current file, released or not."""
    definition: dict[str, Any]
    """The schema as JSON."""
    fingerprint: bytes
    """Eight bytes, in the order in which they stand in a record."""


def fingerprint(definition: Any) -> bytes:
    """Return the CRC-64-AVRO fingerprint of a schema, little-endian as in single-object encoding.

    It covers names, types and the order of fields, and neither defaults nor documentation: two schemas with one
    fingerprint read and write the same bytes.

    Raises:
        fastavro.schema.SchemaParseException: If it is no Avro schema.
    """
    return bytes.fromhex(avro.fingerprint(avro.to_parsing_canonical_form(definition), ALGORITHM))


def home() -> Traversable:
    """Return the folder of the `.avsc` files that belong to this installation."""
    return importlib.resources.files(__package__)


def current(root: Traversable | None = None) -> dict[str, Schema]:
    """Return the files of the schemas that this version writes, by message name."""
    return {schema.name: schema for schema in _read(root or home())}


def released(root: Traversable | None = None) -> dict[str, tuple[Schema, ...]]:
    """Return the released versions of each message, oldest first; messages never released are absent."""
    folder = (root or home()) / RELEASED
    if not folder.is_dir():
        return {}
    return {
        each.name: tuple(sorted(_read(each, name=each.name), key=lambda schema: schema.version or 0))
        for each in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if each.is_dir()
    }


def _read(folder: Traversable, name: str | None = None) -> list[Schema]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        stem, dot, suffix = entry.name.rpartition(".")
        if not dot or suffix != "avsc":
            continue
        number = re.fullmatch(r"v([1-9][0-9]*)", stem) if name is not None else None
        if name is not None and number is None:
            raise ValueError(f"Expected schemas/{RELEASED}/{name}/v<number>.avsc, but found {entry.name}")
        definition = json.loads(entry.read_text("utf-8"))
        found.append(
            Schema(
                name=name or stem,
                version=int(number[1]) if number else None,
                definition=definition,
                fingerprint=fingerprint(definition),
            )
        )
    return found
