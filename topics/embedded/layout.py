"""How the embedded log lies in RocksDB: keys, entries, and the chain that makes damage visible.

Records that were appended together to one partition lie in one *entry*; an entry's key ends with the offset of its
first record, big-endian, so that RocksDB's order is the partition's order. An entry starts with the chain value of the
entry before it and its own: a hash over that, its key and its payload. So a changed byte shows in the entry, and a
missing or exchanged entry shows at the next one. Owns bytes only; it reads and writes nothing.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

FORMAT = 1
"""Number of this layout, written once into a new log and compared when one is opened."""

FORMAT_KEY = b"F"
TOPIC_PREFIX = b"T"
STATE_PREFIX = b"S"
HINT_PREFIX = b"G"
ENTRY_PREFIX = b"E"

CHAIN_BYTES = 8
OFFSET_MAX = (1 << 64) - 1

_HEAD = struct.Struct(">8s8sQI")
"""Chain value of the entry before, own chain value, Unix time in milliseconds, number of records."""

_HASH_PIECE = 2000
"""hashlib lets other threads run for more than 2047 bytes at once; getting the interpreter back costs more than
hashing."""


class TopicMeta(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of a topic."""

    number: int
    partitions: int


class PartitionMeta(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of a partition that retention has cut."""

    begin: int
    chain: bytes
    """Chain value of the last entry before `begin`."""


class Entry(NamedTuple):
    """Records of one partition that were appended together; their offsets count up from `first`."""

    first: int
    at_ms: int
    keys: list[bytes]
    values: list[bytes]


class EntryHead(NamedTuple):
    """What can be known of an entry without reading its records; unchecked."""

    before: bytes
    """Chain value of the entry that it follows on."""
    own: bytes
    at_ms: int
    records: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[bytes], list[bytes]]).decode


class Damaged(Exception):
    """An entry's bytes aren't those that were written."""


def entry_prefix(topic: int, partition: int) -> bytes:
    """Return what the keys of all entries of a partition start with."""
    return ENTRY_PREFIX + topic.to_bytes(2, "big") + partition.to_bytes(2, "big")


def entry_key(prefix: bytes, offset: int) -> bytes:
    """Return the key of the entry whose first record has this offset."""
    return prefix + offset.to_bytes(8, "big")


def offset_of(key: bytes) -> int:
    """Return the offset of the first record of the entry under this key."""
    return int.from_bytes(key[-8:], "big")


def state_key(topic: int, partition: int) -> bytes:
    """Return the key of a partition's `PartitionMeta`."""
    return STATE_PREFIX + topic.to_bytes(2, "big") + partition.to_bytes(2, "big")


def hint_key(group: str, topic: str, partition: int) -> bytes:
    """Return the key of a group's committed offset."""
    return HINT_PREFIX + _encode((group, topic, partition))


def first_chain(prefix: bytes) -> bytes:
    """Return the chain value before a partition's first entry."""
    return _digest(b"", prefix)


def pack(
    prefix: bytes, first: int, at_ms: int, keys: Sequence[bytes], values: Sequence[bytes], chain: bytes
) -> tuple[bytes, bytes, bytes]:
    """Return key, value and chain value of a new entry that follows on `chain`."""
    key = prefix + first.to_bytes(8, "big")
    count = len(keys)
    payload = _encode((keys, values))
    own = _digest(chain + key + at_ms.to_bytes(8, "big") + count.to_bytes(4, "big"), payload)
    return key, _HEAD.pack(chain, own, at_ms, count) + payload, own


def head(value: bytes) -> EntryHead:
    """Return an entry's head.

    Raises:
        Damaged: If the value is too short to have one.
    """
    if len(value) < _HEAD.size:
        raise Damaged("it is too short")
    return EntryHead._make(_HEAD.unpack_from(value))


def unpack(key: bytes, value: bytes) -> Entry:
    """Return the entry.

    Raises:
        Damaged: If a byte of it changed.
    """
    before, own, at_ms, _ = head(value)
    payload = value[_HEAD.size :]
    if _digest(before + key + value[2 * CHAIN_BYTES : _HEAD.size], payload) != own:
        raise Damaged("its checksum doesn't match its bytes")
    keys, values = _decode(payload)
    return Entry(offset_of(key), at_ms, keys, values)


def _digest(head: bytes, payload: bytes) -> bytes:
    size = len(payload)
    if size <= _HASH_PIECE:
        return hashlib.blake2b(head + payload, digest_size=CHAIN_BYTES).digest()
    hashed = hashlib.blake2b(head, digest_size=CHAIN_BYTES)
    view = memoryview(payload)
    for at in range(0, size, _HASH_PIECE):
        hashed.update(view[at : at + _HASH_PIECE])
    return hashed.digest()
