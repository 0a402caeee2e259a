"""Bytes that somebody made to hurt are refused with a DecodeError, and cost no more memory than their size deserves."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.topics.serde.samples import encoded, sample
from topics.messages import Claim
from topics.serde import DecodeError, decode, encode, shapes
from topics.serde.reader import Unresolvable, decoder_of
from topics.serde.table import RECORDS

SAMPLES = {name: encoded(name, sample(record, name)) for name, record in RECORDS.items()}
CLAIM = encode(Claim(epoch=1, owner="me"))[:10]
CREATE = SAMPLES["CreateExecution"][:10]
STEP = SAMPLES["ExecutionStep"]
STEP_UP_TO_EVENTS = STEP[:10] + b"\2\2" + b"\2a\2\0\0" + b"\2e\2\2\0\0\0\0"
CREATE_FIELDS = [field.name for field in RECORDS["CreateExecution"].fields]
LABELS = CREATE_FIELDS.index("labels")
CREATE_UP_TO_LABELS = CREATE + b"\0" * LABELS
AFTER_LABELS = b"\0" * (len(CREATE_FIELDS) - LABELS - 1)
"""All of them empty, nought or none."""


def only_decode_error(data: bytes) -> None:
    try:
        decode(data)
    except DecodeError as error:
        assert not error.retriable


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_cut_short_anywhere_is_refused(name: str) -> None:
    for length in range(len(SAMPLES[name])):
        with pytest.raises(DecodeError):
            decode(SAMPLES[name][:length])


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_with_bytes_after_its_end_is_refused(name: str) -> None:
    with pytest.raises(DecodeError, match="ends at"):
        decode(SAMPLES[name] + b"\0")


def test_a_record_with_any_byte_changed_is_read_or_refused() -> None:
    for at in range(len(STEP)):
        for byte in (0x00, 0x01, 0x7F, 0x80, 0xFF):
            only_decode_error(STEP[:at] + bytes((byte,)) + STEP[at + 1 :])


@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(RECORDS)), st.binary(max_size=200))
@example("CreateExecution", b"")
def test_any_bytes_after_a_known_header_are_read_or_refused(name: str, body: bytes) -> None:
    only_decode_error(SAMPLES[name][:10] + body)


@given(st.binary(max_size=40))
@settings(deadline=None, derandomize=True, database=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    only_decode_error(data)


def varint(number: int) -> bytes:
    zigzag, out = number << 1 ^ number >> 63, bytearray()
    while zigzag > 127:
        out.append(zigzag & 127 | 128)
        zigzag >>= 7
    return bytes((*out, zigzag))


@pytest.mark.parametrize("count", [2**26, 2**40, 2**62, -(2**26), -(2**62), -1, 64])
@pytest.mark.parametrize("before", [STEP_UP_TO_EVENTS, CREATE_UP_TO_LABELS], ids=["array", "map"])
@pytest.mark.parametrize("after", [b"", b"\0", b"\0\0\0\0", b"\2\2\2\2"])
def test_a_count_of_items_beyond_the_record_costs_nothing(before: bytes, count: int, after: bytes) -> None:
    data = before + varint(count) + after
    only_decode_error(data)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [1, 63, 64, 2**31, 2**62, 2**63 - 1, -1, -2, -(2**63)])
def test_a_length_beyond_the_record_or_below_zero_is_refused(length: int) -> None:
    with pytest.raises(DecodeError):
        decode(CLAIM + b"\2" + varint(length))


@pytest.mark.parametrize(
    "number",
    [b"\x80" * 99 + b"\1", b"\x80" * 9 + b"\x02", b"\xff" * 10 + b"\1", b"\x80\x00", b"\xff"],
    ids=["100 bytes", "65 bits", "11 bytes", "padded", "cut"],
)
def test_a_number_that_is_no_64_bits_in_their_shortest_form_is_refused(number: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(CLAIM + number + b"\4me")


@pytest.mark.parametrize("number", [0, -1, 63, -64, 64, 2**63 - 1, -(2**63)])
def test_every_64_bit_number_is_read(number: int) -> None:
    assert decode(CLAIM + varint(number) + b"\4me") == Claim(epoch=number, owner="me")


@pytest.mark.parametrize("block", [b"\x01\x08", b"\x02"], ids=["with its size", "without"])
def test_items_in_several_blocks_are_read(block: bytes) -> None:
    empty = decode(CREATE_UP_TO_LABELS + b"\0" + AFTER_LABELS)
    assert empty.labels == {}
    pairs = block + b"\2a\2b" + block + b"\2c\2d"
    assert decode(CREATE_UP_TO_LABELS + pairs + b"\0" + AFTER_LABELS).labels == {"a": "b", "c": "d"}


def test_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(DecodeError, match="UnicodeDecodeError"):
        decode(CLAIM + b"\2\4\xff\xfe")


def test_a_kind_of_event_that_does_not_exist_is_refused() -> None:
    for branch in (b"\x01", b"\x7e", b"\xfe\x7f"):
        with pytest.raises(DecodeError, match="branch"):
            decode(STEP_UP_TO_EVENTS + b"\2" + branch + b"\0" * 20)


def test_an_enum_member_that_does_not_exist_is_named() -> None:
    data = SAMPLES["ExecutionStateChanged"][:10] + b"\2X" + b"\2"
    with pytest.raises(DecodeError, match=r"b'X' is none of \['CREATED'"):
        decode(data)


HOSTILE_SCHEMAS: dict[str, Any] = {
    "contains itself": {"type": "record", "name": "Claim", "fields": [{"name": "x", "type": "penstock.Claim"}]},
    "contains itself, to be skipped": {
        "type": "record",
        "name": "Claim",
        "fields": [
            {
                "name": "x",
                "type": {"type": "record", "name": "X", "fields": [{"name": "x", "type": ["null", "penstock.X"]}]},
            }
        ],
    },
    "items of no bytes": {
        "type": "record",
        "name": "Claim",
        "fields": [{"name": "x", "type": {"type": "array", "items": "null"}}],
    },
    "items of empty records": {
        "type": "record",
        "name": "Claim",
        "fields": [
            {
                "name": "x",
                "type": {
                    "type": "array",
                    "items": {"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]},
                },
            }
        ],
    },
    "code for a name": {"type": "record", "name": "Claim", "fields": [{"name": "x): print(1) #", "type": "long"}]},
    "a type that is undefined": {"type": "record", "name": "Claim", "fields": [{"name": "x", "type": "nowhere"}]},
    "a type we never write": {
        "type": "record",
        "name": "Claim",
        "fields": [{"name": "x", "type": {"type": "fixed", "size": 99, "name": "F"}}],
    },
}


@pytest.mark.parametrize("definition", HOSTILE_SCHEMAS.values(), ids=HOSTILE_SCHEMAS)
def test_a_schema_that_a_reader_must_not_follow_is_refused(definition: dict[str, Any]) -> None:
    with pytest.raises(Unresolvable):
        decoder_of(definition, shapes.Record("Claim", Claim, ()))
