"""What is said when something is wrong: no broker, no topic, no such offset."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from tests.topics.kafka.under_test import KafkaUnderTest
from topics.catalog import EXECUTIONS_EVENTS, EXECUTIONS_INBOX
from topics.kafka.admin import apply_topics
from topics.kafka.channel import Channels
from topics.kafka.client import AdminClient
from topics.kafka.directory import Directory
from topics.kafka.log import KafkaLog, open_kafka_log
from topics.kafka.settings import RECORD_OVERHEAD_BYTES, KafkaSettings, client_properties
from topics.kafka.writer import KafkaWriter
from topics.ports import FatalLogError, LogError, RecordTooLarge

PATIENCE_S = 30.0


@pytest.fixture
def log(kafka_settings: KafkaSettings) -> Iterator[KafkaLog]:
    with closing(KafkaUnderTest(kafka_settings, {EXECUTIONS_EVENTS: 1}).open()) as log:
        yield log


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def write(log: KafkaLog, count: int) -> None:
    writer = log.writer()
    for _ in range(count):
        writer.append(EXECUTIONS_EVENTS, 0, b"k", b"v")
    while writer.outstanding:
        assert all(ack.error is None for ack in writer.poll(PATIENCE_S))


@pytest.mark.parametrize("door", [open_kafka_log, apply_topics])
def test_an_unreachable_broker_is_named_with_the_remedy(door: object) -> None:
    where = closed_port()

    with pytest.raises(LogError, match=rf"no Kafka broker answers at {where}.*bootstrap address") as caught:
        door(KafkaSettings(bootstrap=where, connect_timeout_ms=300))  # type: ignore[operator]
    assert caught.value.retriable


def test_a_property_that_the_client_does_not_know_is_a_fatal_error() -> None:
    with pytest.raises(FatalLogError, match=r"no\.such\.property"):
        open_kafka_log(KafkaSettings(extra={"no.such.property": "1"}))


def test_a_missing_topic_is_named_with_the_remedy(kafka_settings: KafkaSettings, log: KafkaLog) -> None:
    message = rf"{kafka_settings.prefix}nowhere.*penstock topics apply"
    with pytest.raises(FatalLogError, match=message):
        log.writer().append("nowhere", 0, b"", b"")
    with pytest.raises(FatalLogError, match=message):
        log.reader().add("nowhere", 0, 0)
    with pytest.raises(FatalLogError, match=message):
        log.group("g", ["nowhere"], print, print)
    with pytest.raises(FatalLogError, match=message):
        log.jobs("nowhere", "g")


def test_a_record_of_the_largest_size_is_taken_and_a_larger_one_refused(
    kafka_settings: KafkaSettings, log: KafkaLog
) -> None:
    most = kafka_settings.record_bytes_max
    writer = log.writer()
    writer.append(EXECUTIONS_EVENTS, 0, b"key", bytes(most))
    while writer.outstanding:
        assert [ack.offset for ack in writer.poll(PATIENCE_S)] in ([0], [])
    reader = log.reader()
    reader.add(EXECUTIONS_EVENTS, 0, 0)

    assert len(reader.poll(1, PATIENCE_S)[0].value) == most
    with pytest.raises(RecordTooLarge, match=str(most)):
        writer.append(EXECUTIONS_EVENTS, 0, b"key", bytes(most + 1))
    with pytest.raises(RecordTooLarge, match="with its key"):
        writer.append(EXECUTIONS_EVENTS, 0, bytes(RECORD_OVERHEAD_BYTES), bytes(most))


class AnyTopic(Directory):
    def __init__(self) -> None:
        """No broker is asked, here and below."""

    def check(self, topic: str, partition: int) -> None:
        """Whatever it is called, it has this partition."""


@pytest.mark.parametrize(
    ("unusable", "why"),
    [
        ({"prefix": "p" * 600}, "Invalid topic"),
        ({"extra": {"transactional.id": "taken by producers of steps only"}}, "transactional"),
    ],
    ids=["refused by the producer", "no producer can be had"],
)
def test_what_no_producer_takes_of_a_block_is_acknowledged_without_an_offset(
    unusable: dict[str, Any], why: str
) -> None:
    settings = KafkaSettings(bootstrap=closed_port(), **unusable)
    writer = KafkaWriter(settings, AnyTopic(), Channels(settings))

    with writer.together():
        writer.append(EXECUTIONS_INBOX, 3, b"", b"v", context="first")
        writer.append(EXECUTIONS_INBOX, 3, b"", b"v", context="second")

    assert writer.outstanding == 2
    acks = writer.poll()
    assert [(ack.partition, ack.offset, ack.context) for ack in acks] == [(3, None, "first"), (3, None, "second")]
    assert all(why in str(ack.error) for ack in acks)
    assert writer.outstanding == 0


def test_an_offset_beyond_the_end_is_a_fatal_error(log: KafkaLog) -> None:
    write(log, 3)
    reader = log.reader()
    reader.add(EXECUTIONS_EVENTS, 0, 7)

    with pytest.raises(FatalLogError, match="offset 7"):
        reader.poll(10, PATIENCE_S)
    reader.add(EXECUTIONS_EVENTS, 0, 2)
    assert [record.offset for record in reader.poll(10, PATIENCE_S)] == [2]


def test_an_offset_that_retention_removed_is_a_fatal_error(kafka_settings: KafkaSettings, log: KafkaLog) -> None:
    write(log, 5)
    remove_before(kafka_settings, 3)
    reader = log.reader()
    reader.add(EXECUTIONS_EVENTS, 0, 1)

    assert (log.begin_offset(EXECUTIONS_EVENTS, 0), log.end_offset(EXECUTIONS_EVENTS, 0)) == (3, 5)
    with pytest.raises(FatalLogError, match=r"offset 1 .*retention removed it"):
        reader.poll(10, PATIENCE_S)


def test_what_is_closed_says_so_and_closing_again_does_nothing(log: KafkaLog) -> None:
    reader, source = log.reader(), log.jobs(EXECUTIONS_EVENTS, "g")
    for part in (reader, source):
        part.close()
        part.close()

    with pytest.raises(LogError, match="closed"):
        reader.poll(1, 0.0)
    with pytest.raises(LogError, match="closed"):
        source.take(1, 0.0)


def remove_before(settings: KafkaSettings, offset: int) -> None:
    admin = AdminClient(client_properties(settings))
    where = TopicPartition(settings.topic(EXECUTIONS_EVENTS), 0, offset)
    for future in admin.delete_records([where]).values():
        future.result(PATIENCE_S)
