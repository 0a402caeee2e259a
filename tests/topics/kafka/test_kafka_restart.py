"""A broker that dies and comes back, under writers, readers and members that stay."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import pytest

from tests.e2e.kafka_broker import Broker, fresh_prefix
from tests.topics.kafka.under_test import KafkaUnderTest
from topics.catalog import EXECUTIONS_EVENTS, EXECUTIONS_INBOX, jobs_of
from topics.kafka.settings import KafkaSettings
from topics.ports import Ack, GroupReader, Reader, Record, Writer

PATIENCE_S = 60.0
PARTITIONS = {EXECUTIONS_EVENTS: 1, EXECUTIONS_INBOX: 1, jobs_of("default"): 1}


@pytest.fixture
def settings(spare_broker: Broker) -> KafkaSettings:
    return KafkaSettings(bootstrap=spare_broker.address(), prefix=fresh_prefix(), partitions=1, replication=1)


def acks(writer: Writer) -> list[Ack]:
    got: list[Ack] = []
    end = time.monotonic() + PATIENCE_S
    while writer.outstanding:
        got += writer.poll(1.0)
        assert time.monotonic() < end
    return got


def read(reader: Reader | GroupReader, count: int) -> list[bytes]:
    got: list[Record] = []
    end = time.monotonic() + PATIENCE_S
    while len(got) < count:
        got += reader.poll(100, 1.0)
        assert time.monotonic() < end
    return [record.value for record in got]


def append_until_known(writer: Writer) -> int:
    end = time.monotonic() + PATIENCE_S
    while True:
        writer.append(EXECUTIONS_EVENTS, 0, b"", b"v")
        [ack] = acks(writer)
        if ack.offset is not None:
            return ack.offset
        assert time.monotonic() < end


def test_writers_readers_and_members_survive_a_broker_that_was_killed(
    spare_broker: Broker, settings: KafkaSettings
) -> None:
    log = KafkaUnderTest(settings, PARTITIONS).open()

    done: list[bytes] = []

    def assigned(pairs: Sequence[tuple[str, int]]) -> None:
        """Go on where we are: a broker that is away for long makes members lose what they own, and get it anew."""
        for topic, partition in pairs:
            member.start(topic, partition, len(done))

    writer, reader = log.writer(), log.reader()
    member = log.group("g", [EXECUTIONS_INBOX], assigned, lambda pairs: None)
    jobs = log.jobs(jobs_of("default"), "workers")
    reader.add(EXECUTIONS_EVENTS, 0, 0)
    for topic in PARTITIONS:
        writer.append(topic, 0, b"", b"before")
    assert {ack.offset for ack in acks(writer)} == {0}
    assert read(reader, 1) == [b"before"]
    done += read(member, 1)
    assert [record.value for record in jobs.take(1, PATIENCE_S)] == [b"before"]

    spare_broker.run("kill", "1")
    for topic in PARTITIONS:
        writer.append(topic, 0, b"", b"while away")
    assert reader.poll(10, 0.1) == []
    assert member.poll(10, 0.1) == []
    assert writer.poll(0.1) == []
    spare_broker.run("start", "1")

    assert {ack.offset for ack in acks(writer)} == {1}
    assert read(reader, 1) == [b"while away"]
    done += read(member, 1)
    assert done == [b"before", b"while away"]
    assert [record.value for record in jobs.take(1, PATIENCE_S)] == [b"while away"]
    assert log.end_offset(EXECUTIONS_EVENTS, 0) == 2
    for part in (reader, member, jobs, writer, log):
        part.close()


def test_an_append_that_no_broker_takes_in_time_is_unknown_and_the_writer_goes_on_later(
    spare_broker: Broker, settings: KafkaSettings
) -> None:
    log = KafkaUnderTest(msgspec.structs.replace(settings, delivery_timeout_ms=1_000), PARTITIONS).open()
    writer = log.writer()
    append_until_known(writer)

    spare_broker.run("kill", "1")
    writer.append(EXECUTIONS_EVENTS, 0, b"", b"lost", context="x")
    [unknown] = acks(writer)
    spare_broker.run("start", "1")

    assert (unknown.offset, unknown.context) == (None, "x")
    assert unknown.error
    last = append_until_known(writer)
    assert log.end_offset(EXECUTIONS_EVENTS, 0) == last + 1
    writer.close()
    log.close()
