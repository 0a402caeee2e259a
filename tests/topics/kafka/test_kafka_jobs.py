"""Doorbells by share group and by classic group."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest

from tests.e2e.kafka_broker import Broker, fresh_prefix
from tests.topics.kafka.under_test import KafkaUnderTest
from topics.catalog import BY_NAME, jobs_of
from topics.kafka.admin import apply_topics, describe_topics
from topics.kafka.jobs import KafkaJobSource
from topics.kafka.log import KafkaLog
from topics.kafka.settings import KafkaSettings
from topics.ports import FatalLogError, Record

PATIENCE_S = 60.0
JOBS = jobs_of("default")


@pytest.fixture
def log(kafka_settings: KafkaSettings) -> Iterator[KafkaLog]:
    with closing(KafkaUnderTest(kafka_settings, {JOBS: 1}).open()) as log:
        yield log


@pytest.fixture
def old_settings(spare_broker: Broker) -> KafkaSettings:
    """Settings for a cluster without share groups."""
    return KafkaSettings(bootstrap=spare_broker.address(), prefix=fresh_prefix(), partitions=2, replication=1)


def ring(log: KafkaLog, *values: bytes, partition: int = 0) -> None:
    writer = log.writer()
    for value in values:
        writer.append(JOBS, partition, b"", value)
    while writer.outstanding:
        assert all(ack.error is None for ack in writer.poll(PATIENCE_S))


def take(source: KafkaJobSource, count: int, most: int = 100) -> list[Record]:
    got: list[Record] = []
    end = time.monotonic() + PATIENCE_S
    while len(got) < count:
        got += source.take(most, 1.0)
        assert time.monotonic() < end
    return got


def test_two_takers_of_a_share_group_get_each_doorbell_once(log: KafkaLog) -> None:
    takers = [log.jobs(JOBS, "workers"), log.jobs(JOBS, "workers")]
    ring(log, *[b"%d" % number for number in range(40)])
    got: list[list[Record]] = [[], []]
    end = time.monotonic() + PATIENCE_S
    while sum(map(len, got)) < 40:
        for taker, mine in zip(takers, got, strict=True):
            mine += taker.take(2, 0.1)
        assert time.monotonic() < end

    assert sorted(int(record.value) for mine in got for record in mine) == list(range(40))
    assert all(got)
    assert [taker.take(10, 0.0) for taker in takers] == [[], []]
    for taker in takers:
        taker.close()


def test_a_taker_that_is_busy_holds_nothing_up(log: KafkaLog) -> None:
    busy, free = log.jobs(JOBS, "workers"), log.jobs(JOBS, "workers")
    ring(log, b"long")
    assert [record.value for record in take(busy, 1, most=1)] == [b"long"]
    ring(log, *[b"%d" % number for number in range(20)])

    assert [int(record.value) for record in take(free, 20)] == list(range(20))
    busy.close()
    free.close()


def test_a_share_group_hands_out_no_more_than_was_asked_for(log: KafkaLog) -> None:
    ring(log, *[b"%d" % number for number in range(10)])
    source = log.jobs(JOBS, "workers")
    got: list[Record] = []
    while len(got) < 10:
        some = source.take(3, PATIENCE_S)
        assert 1 <= len(some) <= 3
        got += some

    assert [int(record.value) for record in got] == list(range(10))
    source.close()


def test_doorbells_that_a_full_worker_hands_back_are_taken_by_another(log: KafkaLog) -> None:
    rung = [b"%d" % number for number in range(12)]
    ring(log, *rung)
    full, other = log.jobs(JOBS, "workers"), log.jobs(JOBS, "workers")
    mine = [record.value for record in take(full, 1, most=1)]
    full.hand_back()

    assert sorted(mine + [record.value for record in take(other, 11)]) == sorted(rung)
    full.close()
    other.close()


@pytest.mark.parametrize("transport", ["share", "classic"])
def test_what_was_taken_stays_taken_for_the_next_taker(kafka_settings: KafkaSettings, transport: str) -> None:
    settings = msgspec.structs.replace(kafka_settings, job_transport=transport)
    log = KafkaUnderTest(settings, {JOBS: 1}).open()
    ring(log, b"a", b"b", b"c")
    first = log.jobs(JOBS, "workers")
    assert [record.value for record in take(first, 2, most=1)] == [b"a", b"b"]
    first.close()
    second = log.jobs(JOBS, "workers")

    assert [record.value for record in take(second, 1)] == [b"c"]
    second.close()


def test_without_share_groups_a_classic_group_takes_over_and_the_log_says_so(
    old_settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    apply_topics(old_settings, [BY_NAME[JOBS]])
    log = KafkaUnderTest(old_settings, {}).open()
    ring(log, b"a")
    ring(log, b"b", partition=1)
    source = log.jobs(JOBS, "workers")
    with caplog.at_level(logging.INFO, "topics.kafka"):
        got = take(source, 2)

    assert sorted(record.value for record in got) == [b"a", b"b"]
    assert describe_topics(old_settings, [BY_NAME[JOBS]])[0].partitions == 2
    assert any("by a classic consumer group" in record.getMessage() for record in caplog.records)
    source.close()


def test_a_classic_group_on_a_queue_made_for_a_share_group_is_warned_of(
    old_settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    log = KafkaUnderTest(old_settings, {JOBS: 1}).open()
    source = log.jobs(JOBS, "workers")
    ring(log, b"a")
    with caplog.at_level(logging.WARNING, "topics.kafka"):
        assert [record.value for record in take(source, 1)] == [b"a"]

    assert any("has one partition" in record.getMessage() for record in caplog.records)
    source.close()


def test_share_groups_that_are_demanded_but_not_there_are_a_fatal_error(old_settings: KafkaSettings) -> None:
    settings = msgspec.structs.replace(old_settings, job_transport="share")
    log = KafkaUnderTest(settings, {JOBS: 1}).open()
    source = log.jobs(JOBS, "workers")

    with pytest.raises(FatalLogError, match=r"no share group can be joined.*auto or classic"):
        take(source, 1)
    source.close()
    source.close()
