"""Avro's variable-length zigzag integers, written and read.

Owns the tables that make them cheap in Python. Encoding is a dictionary lookup for small numbers (lengths, counts,
epochs, attempts); decoding is inlined by `reader`, and comes here for more than one byte. Timestamps, which take six
bytes, are remembered both ways: the events of a step, and steps that follow each other, mostly have the same.
"""

from __future__ import annotations

SMALL_MAX = 1 << 13
"""Numbers below it are looked up whole; a table of this size costs half a megabyte."""

TIMES_MAX = 4096
"""How many timestamps are remembered each way, a few seconds' worth; then they are forgotten all at once."""

TIME_MIN = 1 << 40
"""Numbers from here on are taken for timestamps in milliseconds (they say 2004 and later); counters don't get there."""

TIME_BYTES = 6
"""What a timestamp takes, until the year 2039."""

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


def encoded(number: int) -> bytes:
    """Return a number's encoded form.

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
    last = _LAST[higher] if higher < 1 << 14 else _plain(higher)
    return _PAIRS[zigzag & 0x3FFF] + _PAIRS[high & 0x3FFF] + last


class Longs(dict[int, bytes]):
    """Encoded form by number; `LONG[n]` answers for every number of 64 bits, and stays as small as it is."""

    def __missing__(self, number: int) -> bytes:
        """Encode a number that isn't in the table; raises as `encoded` does."""
        data = encoded(number)
        if number >= TIME_MIN:
            if len(_written) >= TIMES_MAX:
                _forget()
            _written.append(number)
            self[number] = data
        return data


def _forget() -> None:
    numbers = _written[:]  # taken first: other threads may add to it meanwhile
    del _written[: len(numbers)]
    for number in numbers:
        LONG.pop(number, None)


LONG = Longs({number: _plain(number << 1 ^ number >> 63) for number in range(-64, SMALL_MAX)})

_written: list[int] = []
"""The timestamps that are in `LONG`."""

_read: dict[bytes, int] = {}
"""Zigzag form of timestamps by their bytes."""


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
    start = at - 1
    time = _read.get(data[start : start + TIME_BYTES])
    if time is not None:
        return time, start + TIME_BYTES
    value = first & 0x7F
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Malformed("a number has more than ten bytes")
    if value >> 64 or byte == 0:
        raise Malformed("a number isn't of 64 bits, or is padded")
    if at - start == TIME_BYTES:
        if len(_read) >= TIMES_MAX:
            _read.clear()
        _read[data[start:at]] = value
    return value, at


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
