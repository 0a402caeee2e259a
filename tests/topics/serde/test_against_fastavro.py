"""The generated encoders and decoders agree with an independent implementation of Avro."""

from __future__ import annotations

import io
from enum import StrEnum
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from tests.topics.serde.samples import encoded, sample
from tests.topics.serde.strategies import datum, values
from topics.serde import decode, shapes
from topics.serde.reader import Unresolvable, decoder_of
from topics.serde.schema import schema_of
from topics.serde.table import RECORDS
from topics.serde.writer import encoder_of

PARSED = {name: fastavro.parse_schema(schema_of(record)) for name, record in RECORDS.items()}


def examples(number: int) -> settings:
    unhurried = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=number, deadline=None, derandomize=True, database=None, suppress_health_check=unhurried
    )


def fastavro_bytes(parsed: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, value)
    return out.getvalue()


def both_ways(record: shapes.Record, message: Any) -> None:
    data = encoded(record.name, message)
    parsed = PARSED[record.name]
    assert data[:2] == b"\xc3\x01" and data[2:10] == schemas.fingerprint(parsed)
    assert data[10:] == fastavro_bytes(parsed, datum(record, message))
    assert decode(data) == message
    read = fastavro.schemaless_reader(
        io.BytesIO(data[10:]), parsed, None, return_record_name=True, return_record_name_override=True
    )
    assert read == datum(record, message)


@pytest.mark.parametrize("name", RECORDS)
def test_a_sample_of_every_message_has_the_bytes_that_fastavro_writes(name: str) -> None:
    both_ways(RECORDS[name], sample(RECORDS[name], name))


@examples(300)
@given(st.data())
def test_any_value_of_any_message_has_the_bytes_that_fastavro_writes(data: st.DataObject) -> None:
    record = RECORDS[data.draw(st.sampled_from(sorted(RECORDS)))]
    both_ways(record, data.draw(values(record)))


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    size: int | None = None
    tags: tuple[str, ...] = ()


SCALARS: dict[Any, Any] = {int: 7, float: 1.5, bool: True, str: "x", bytes: b"\x00\xff", Colour: Colour.BLUE}
INNER = st.sampled_from([*SCALARS, Part])
TYPES = st.one_of(
    INNER,
    INNER.map(lambda hint: hint | None),
    INNER.map(lambda hint: tuple[hint, ...]),
    INNER.map(lambda hint: dict[str, hint]),
    INNER.map(lambda hint: tuple[hint | None, ...]),
    INNER.map(lambda hint: tuple[dict[str, tuple[hint, ...]], ...]),
    INNER.map(lambda hint: dict[str, tuple[hint, ...]] | None),
)


def default_of(hint: Any) -> Any:
    if hint in SCALARS:
        return SCALARS[hint]
    if hint is Part:
        return Part(name="p", tags=("a",))
    return None if type(None) in getattr(hint, "__args__", ()) else hint.__origin__()


def field(name: str, hint: Any, optional: bool) -> tuple[Any, ...]:
    return (name, hint, default_of(hint)) if optional else (name, hint)


def message_class(fields: list[tuple[Any, ...]]) -> type[msgspec.Struct]:
    return msgspec.defstruct("Thing", fields, frozen=True, kw_only=True, module=__name__)


@examples(150)
@given(st.lists(st.tuples(TYPES, st.booleans()), max_size=6), st.data())
def test_any_class_of_known_types_has_the_bytes_that_fastavro_writes(
    hints: list[tuple[Any, bool]], data: st.DataObject
) -> None:
    record = shapes.record(message_class([field(f"f{at}", *each) for at, each in enumerate(hints)]))
    definition = schema_of(record)
    message = data.draw(values(record))
    body = encoder_of(record)(message, b"")
    assert body == fastavro_bytes(fastavro.parse_schema(definition), datum(record, message))
    assert decoder_of(definition, record)(b"head" + body, 4) == (message, 4 + len(body))


def changed(data: st.DataObject, hint: Any) -> Any:
    """Return a type that Avro lets a reader want where `hint` was written.

    Records stay as they are: fastavro fails where a union is wanted and a name was written.
    """
    options = [hint, hint | None] if hint in SCALARS else [hint]
    options += {int: [float, float | None], str: [bytes], bytes: [], Colour: [str]}.get(hint, [])
    return data.draw(st.sampled_from(options))


@examples(150)
@given(st.lists(st.tuples(TYPES, st.booleans()), max_size=6), st.data())
def test_an_evolved_class_reads_older_bytes_as_fastavro_resolves_them(
    hints: list[tuple[Any, bool]], data: st.DataObject
) -> None:
    written = shapes.record(message_class([field(f"f{at}", *each) for at, each in enumerate(hints)]))
    kept = [
        field(f"f{at}", changed(data, hint), False) for at, (hint, _) in enumerate(hints) if data.draw(st.booleans())
    ]
    added = [field(f"g{at}", data.draw(TYPES), True) for at in range(data.draw(st.integers(0, 3)))]
    wanted = shapes.record(message_class(data.draw(st.permutations(kept + added))))
    message = data.draw(values(written))
    body = encoder_of(written)(message, b"")
    read, end = decoder_of(schema_of(written), wanted)(body, 0)
    assert end == len(body)
    writer, reader = (fastavro.parse_schema(schema_of(each)) for each in (written, wanted))
    expected = fastavro.schemaless_reader(io.BytesIO(body), writer, reader)
    for name, hint, *_ in added:
        if hint is bytes:  # fastavro leaves the default as the text that stands for it in the schema
            expected[name] = expected[name].encode("latin-1")
    assert datum(wanted, read) == expected


class Old(msgspec.Struct, frozen=True, kw_only=True):
    a: str
    b: int = 1


@pytest.mark.parametrize(
    "fields",
    [
        [("a", str), ("c", str)],
        [("a", int)],
        [("a", tuple[str, ...])],
        [("a", Part)],
        [("a", bool)],
        [("b", str)],
    ],
    ids=str,
)
def test_what_cannot_be_resolved_is_refused_before_anything_is_read(fields: list[tuple[Any, ...]]) -> None:
    wanted = shapes.record(msgspec.defstruct("Old", fields, frozen=True, kw_only=True))
    with pytest.raises(Unresolvable):
        decoder_of(schema_of(shapes.record(Old)), wanted)
