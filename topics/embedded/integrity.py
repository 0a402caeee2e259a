"""Tells a torn end of RocksDB's journals from a damaged one, before RocksDB opens them.

RocksDB checks a checksum per journal record, and takes a record that reaches over the end of the file for the torn last
write of a crash: it drops the rest without a word. A flipped bit in a record's length looks just the same, and costs
everything after it. This module looks for what a torn write can't leave behind: whole records after the torn one. It
walks headers only, so it costs milliseconds; checksums of whole records stay RocksDB's business. Owns the reading of
RocksDB's journal format (write-ahead logs and MANIFEST), and changes nothing.
"""

from __future__ import annotations

import struct
from pathlib import Path

BLOCK_BYTES = 32 * 1024
"""No journal record crosses a border of blocks."""

_HEADER = struct.Struct("<IHB")
"""Masked CRC-32C of type and data, length of the data, type."""

_HEADER_BYTES = _HEADER.size
_TYPES = frozenset((1, 2, 3, 4))
"""Whole record, first, middle and last part. Others (recycled files, compression) are never written here, and a flipped
bit that makes one of the first record would let RocksDB take the file for an old, empty one."""


def damage_in(directory: Path) -> str | None:
    """Return what is wrong with the journals of a RocksDB directory, or None.

    Args:
        directory: A database that no process has open.
    """
    if not (directory / "CURRENT").exists() and any(directory.glob("*.[sl][so][tg]")):
        # RocksDB would take the directory for a new one, and delete what it finds.
        return "CURRENT is missing"
    for path in sorted((*directory.glob("*.log"), *directory.glob("MANIFEST-*"))):
        found = journal_damage(path.read_bytes())
        if found is not None:
            return f"{path.name}: {found}"
    return None


def journal_damage(data: bytes) -> str | None:
    """Return what is wrong with the bytes of one journal, or None; a torn end is not wrong."""
    size = len(data)
    unpack = _HEADER.unpack_from
    at = 0
    while at + _HEADER_BYTES <= size:
        left_in_block = BLOCK_BYTES - at % BLOCK_BYTES
        if left_in_block < _HEADER_BYTES:
            at += left_in_block
            continue
        checksum, length, kind = unpack(data, at)
        end = at + _HEADER_BYTES + length
        if kind not in _TYPES:
            if checksum == length == kind == 0 and not any(data[at:]):
                return None
            return f"a record of an unknown type at byte {at}"
        if _HEADER_BYTES + length > left_in_block:
            return f"a record over the end of its block at byte {at}"
        if end > size:
            return _damage_at_end(data, at)
        at = end
    return None


def _damage_at_end(data: bytes, torn: int) -> str | None:
    """Look for whole records in what should be one torn record; it lies in the last block, so it is short."""
    size = len(data)
    checksum, _, kind = _HEADER.unpack_from(data, torn)
    if _masked_crc(data[torn + _HEADER_BYTES - 1 : size]) == checksum and kind in _TYPES:
        return f"the last record, at byte {torn}, is whole but says it is longer"
    for at in range(torn + _HEADER_BYTES, size - _HEADER_BYTES):
        if data[at + _HEADER_BYTES - 1] in _TYPES and _walks_to_end(data, at):
            checksum, length, _ = _HEADER.unpack_from(data, at)
            if _masked_crc(data[at + _HEADER_BYTES - 1 : at + _HEADER_BYTES + length]) == checksum:
                return f"whole records from byte {at} on, after one at byte {torn} that says it reaches over the end"
    return None


def _walks_to_end(data: bytes, at: int) -> bool:
    """Tell whether a whole record lies here, and headers follow from it to the end, the last maybe torn."""
    size = len(data)
    whole = 0
    while at + _HEADER_BYTES <= size:
        checksum, length, kind = _HEADER.unpack_from(data, at)
        if kind not in _TYPES:
            return whole > 0 and checksum == length == kind == 0
        at += _HEADER_BYTES + length
        if at <= size:
            whole += 1
    return whole > 0


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


def _masked_crc(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
