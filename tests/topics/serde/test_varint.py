"""Numbers as Avro writes them, and what is remembered of them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from topics.serde import varint
from topics.serde.varint import LONG, SMALL_MAX, TIME_MIN, TIMES_MAX, Malformed, encoded, more


def plainly(number: int) -> bytes:
    zigzag, out = number << 1 ^ number >> 63, bytearray()
    while zigzag > 127:
        out.append(zigzag & 127 | 128)
        zigzag >>= 7
    return bytes((*out, zigzag))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    st.integers(-(2**63), 2**63 - 1) | st.integers(0, 62).flatmap(lambda bits: st.integers(2**bits - 2, 2**bits + 1))
)
@example(2**63 - 1)
@example(-(2**63))
@example(SMALL_MAX)
def test_every_number_is_written_and_read_as_avro_says(number: int) -> None:
    data = plainly(number)
    assert LONG[number] == LONG[number] == encoded(number) == data
    if len(data) > 1:
        for _ in range(2):
            zigzag, at = more(b"x" + data + b"y", 2, data[0])
            assert ((zigzag >> 1) ^ -(zigzag & 1), at) == (number, 1 + len(data))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_of_more_than_64_bits_is_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        LONG[number]


def test_a_remembered_time_is_not_found_in_a_record_that_is_cut() -> None:
    data = plainly(TIME_MIN + 1)
    more(data, 1, data[0])
    with pytest.raises((IndexError, Malformed)):
        more(data[:-1], 1, data[0])


def test_only_so_many_times_are_remembered() -> None:
    before = len(LONG) - len(varint._written)
    for number in range(TIME_MIN, TIME_MIN + 3 * TIMES_MAX):
        data = LONG[number]
        more(data, 1, data[0])
    assert len(LONG) <= before + TIMES_MAX
    assert len(varint._read) <= TIMES_MAX
    assert LONG[5] == b"\n" and LONG[-1] == b"\1"
