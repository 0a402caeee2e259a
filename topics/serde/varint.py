"""Avro's variable-length zigzag integers, written and read.

Owns the tables that make them cheap in Python. Encoding is a dictionary lookup for the small numbers (lengths, counts,
epochs, attempts) and three for a timestamp; decoding is inlined by `reader`, and comes here for more than one byte.
"""

from __future__ import annotations

SMALL_MAX = 1 << 13
"""Numbers below it are looked up whole; a table of this size costs half a megabyte."""

_LONG_MIN, _LONG_MAX = -(1 << 63), (1 << 63) - 1


class Malformed(ValueError):
    """Bytes that are no Avro of the schema that they claim."""


def _plain(zigzag: int) -> bytes:
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


_LAST = tuple(_plain(value) for value in range(1 << 14))
"""The end of a number: one or two bytes."""

_PAIRS = tuple(bytes((value & 0x7F | 0x80, value >> 7 | 0x80)) for value in range(1 << 14))
"""Two bytes that others follow."""


class Longs(dict[int, bytes]):
    """Encoded form by number, for every 64-bit number; `LONG[n]` never grows it."""

    def __missing__(self, number: int) -> bytes:
        """Encode a number that isn't in the table.

        Raises:
            OverflowError: If it takes more than 64 bits.
            TypeError: If it is no integer.
        """
        if not _LONG_MIN <= number <= _LONG_MAX:
            raise OverflowError(f"Expected a number of 64 bits, but got {number}")
        zigzag = (number << 1) ^ (number >> 63)
        high = zigzag >> 14
        if high < 1 << 14:
            return _PAIRS[zigzag & 0x3FFF] + _LAST[high] if high else _LAST[zigzag]
        higher = zigzag >> 28
        if higher < 1 << 14:
            return _PAIRS[zigzag & 0x3FFF] + _PAIRS[high & 0x3FFF] + _LAST[higher]
        return _PAIRS[zigzag & 0x3FFF] + _PAIRS[high & 0x3FFF] + _plain(higher)


LONG = Longs({number: _plain(number << 1 ^ number >> 63) for number in range(-64, SMALL_MAX)})


def more(data: bytes, at: int, first: int) -> tuple[int, int]:
    """Read the rest of a number whose first byte announced more.

    Args:
        data: The record.
        at: Where the second byte is.
        first: The first byte.

    Returns:
        The zigzag form, not yet undone, and where the next value begins.

    Raises:
        Malformed: If the number has more than 64 bits, or more bytes than it needs to (one value, one encoding).
        IndexError: If the record ends within the number.
    """
    value = first & 0x7F
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64 or byte == 0:
                raise Malformed("a number isn't of 64 bits, or is padded")
            return value, at
        shift += 7
        if shift > 63:
            raise Malformed("a number has more than ten bytes")


def length(data: bytes, at: int, first: int) -> tuple[int, int]:
    """Read a length that isn't one small byte; as `more`, and it is never over what is left of the record.

    Returns:
        Twice the length, and where the value begins.
    """
    value, at = more(data, at, first) if first & 0x80 else (first, at)
    if value & 1:
        raise Malformed("a length is negative")
    if value >> 1 > len(data) - at:
        raise Malformed("a length goes beyond the end of the record")
    return value, at


def block(data: bytes, at: int, first: int) -> tuple[int, int]:
    """Read the count of a block of items; as `length`, and a negative count is followed by the block's size in bytes.

    Items take at least a byte each (`shapes` and `reader` see to it), so a count over what is left is a lie.
    """
    value, at = more(data, at, first) if first & 0x80 else (first, at)
    if value & 1:
        count = (value >> 1) + 1
        size, at = length(data, at + 1, data[at])
        if count > size >> 1:
            raise Malformed("a block has more items than bytes")
        return count << 1, at
    if value >> 1 > len(data) - at:
        raise Malformed("a block has more items than the record has bytes")
    return value, at
