"""Framing, limits, and errors that say what is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.catalog.commands import DeleteFlow
from engine.catalog.events import FlowDeleted
from engine.errors import Reason
from engine.execution.events import ExecutionStateChanged
from engine.machine import CommandRejected
from engine.values import State
from topics.catalog import RECORD_BYTES_MAX, TOPICS
from topics.messages import Cause, Claim, Doorbell, SnapshotRow, Step
from topics.ports import LogError, RecordTooLarge
from topics.serde import KINDS, MESSAGES, DecodeError, EncodeError, UnknownSchema, decode, encode, encode_step
from topics.serde.table import RECORDS

REJECTED = CommandRejected(reason=Reason.NOT_FOUND, message="no such execution")


def step(*events: Any) -> Step:
    return Step(epoch=3, n=1, cause=Cause(kind="inbox", offset=9), id="e", seq=4, at_ms=5, events=events)


def test_a_record_begins_with_the_marker_and_the_fingerprint_of_its_schema() -> None:
    data = encode(Claim(epoch=300, owner="me"))
    assert data[:2] == b"\xc3\x01"
    assert data[10:] == b"\xd8\x04\x04me"


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_may_have_no_events_or_only_such_as_every_kind_has(kind: str) -> None:
    for message in (step(), step(REJECTED)):
        assert decode(encode_step(kind, message)) == message


def test_each_kind_of_step_has_a_schema_of_its_own() -> None:
    assert encode_step("executions", step())[:10] != encode_step("flows", step())[:10]


def test_a_step_keeps_its_kinds_events_in_order() -> None:
    running, killing = (ExecutionStateChanged(state=state, at_ms=1) for state in (State.RUNNING, State.KILLING))
    events = (running, REJECTED, killing)
    assert decode(encode_step("executions", step(*events))).events == events


def test_an_enum_comes_back_as_its_member() -> None:
    read = decode(encode_step("executions", step(ExecutionStateChanged(state=State.PAUSED, at_ms=1))))
    assert read.events[0].state is State.PAUSED


def test_a_step_without_its_kind_is_refused() -> None:
    with pytest.raises(EncodeError, match="encode_step"):
        encode(step())


def test_an_event_of_another_kind_is_refused() -> None:
    with pytest.raises(EncodeError, match="FlowDeleted"):
        encode_step("executions", step(FlowDeleted(namespace="n", flow_id="f", revision=1, at_ms=1)))


class NoMessage(msgspec.Struct):
    a: int


@pytest.mark.parametrize(
    "message",
    [
        NoMessage(1),
        Claim(epoch=2**63, owner="me"),
        Claim(epoch="one", owner="me"),  # type: ignore[arg-type]
        Claim(epoch=1.5, owner="me"),  # type: ignore[arg-type]
        Claim(epoch=1, owner=None),  # type: ignore[arg-type]
        Claim(epoch=1, owner=b"me"),  # type: ignore[arg-type]
        Claim(epoch=1, owner="\ud800"),
        SnapshotRow(key="text", value=b""),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_fit_the_schema_is_refused_where_it_is_made(message: msgspec.Struct) -> None:
    with pytest.raises(EncodeError) as caught:
        encode(message)
    assert isinstance(caught.value, LogError) and not caught.value.retriable


def test_a_class_that_only_shares_its_name_with_a_message_is_refused() -> None:
    with pytest.raises(EncodeError):
        encode(msgspec.defstruct("Claim", [("epoch", int), ("owner", str)])(1, "me"))


def test_a_record_over_the_limit_is_refused_when_written_and_when_read() -> None:
    with pytest.raises(RecordTooLarge, match=str(RECORD_BYTES_MAX)):
        encode(SnapshotRow(key=b"", value=bytes(RECORD_BYTES_MAX)))
    largest = RECORD_BYTES_MAX - len(encode(SnapshotRow(key=b"", value=b""))) - 3
    data = encode(SnapshotRow(key=b"", value=bytes(largest)))
    assert len(data) == RECORD_BYTES_MAX and decode(data).value == bytes(largest)
    with pytest.raises(DecodeError, match="at most"):
        decode(data + b"\0")


def test_an_unknown_fingerprint_is_named() -> None:
    with pytest.raises(UnknownSchema, match="0102030405060708") as caught:
        decode(b"\xc3\x01" + bytes(range(1, 9)) + b"body")
    assert not caught.value.retriable


def test_a_registry_record_without_a_registry_says_which_setting_is_missing() -> None:
    with pytest.raises(UnknownSchema, match=r"schema 258 .*schema_registry\.url"):
        decode(b"\0\0\0\1\2body")


def test_every_message_of_the_topic_table_has_a_schema() -> None:
    written = {name for topic in TOPICS for name in topic.messages if " " not in name}
    assert written - {"Step"} <= set(MESSAGES)
    assert {kind.step for kind in KINDS.values()} <= set(MESSAGES)


def test_messages_of_all_modules_are_in_the_table() -> None:
    for cls in (Claim, Doorbell, DeleteFlow, FlowDeleted, ExecutionStateChanged, CommandRejected):
        assert MESSAGES[cls.__name__] is cls
    assert all(record.name == name for name, record in RECORDS.items())
