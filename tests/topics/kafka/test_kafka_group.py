"""Group members that die, and callbacks that fail."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.topics.kafka.under_test import KafkaUnderTest
from topics.catalog import EXECUTIONS_INBOX
from topics.kafka.group import KafkaGroupReader
from topics.kafka.log import KafkaLog
from topics.kafka.settings import KafkaSettings
from topics.ports import LogError, Record

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[3]
Pair = tuple[str, int]


@pytest.fixture
def log(kafka_settings: KafkaSettings) -> Iterator[KafkaLog]:
    with closing(KafkaUnderTest(kafka_settings, {EXECUTIONS_INBOX: 2}).open()) as log:
        yield log


def write(log: KafkaLog, partition: int, *values: bytes) -> None:
    writer = log.writer()
    for value in values:
        writer.append(EXECUTIONS_INBOX, partition, b"k", value)
    while writer.outstanding:
        assert all(ack.error is None for ack in writer.poll(PATIENCE_S))


def poll_until(done: Callable[[], bool], member: KafkaGroupReader) -> list[Record]:
    got: list[Record] = []
    end = time.monotonic() + PATIENCE_S
    while not done():
        got += member.poll(100, 0.2)
        assert time.monotonic() < end
    return got


def test_a_killed_members_partitions_go_to_another(kafka_settings: KafkaSettings, log: KafkaLog) -> None:
    write(log, 0, b"a")
    write(log, 1, b"b")
    command = [sys.executable, "-m", "tests.topics.kafka.member_process"]
    arguments = [kafka_settings.bootstrap, kafka_settings.prefix, EXECUTIONS_INBOX, "g"]
    owned: set[Pair] = set()

    def assigned(pairs: Sequence[Pair]) -> None:
        owned.update(pairs)
        for topic, partition in pairs:
            member.start(topic, partition, 0)

    with subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "2\n"
        member = log.group("g", [EXECUTIONS_INBOX], assigned, owned.difference_update)
        poll_until(lambda: len(owned) == 1, member)
        child.kill()
    got = poll_until(lambda: len(owned) == 2, member)
    while len(got) < 1:
        got += member.poll(100, PATIENCE_S)

    assert owned == {(EXECUTIONS_INBOX, 0), (EXECUTIONS_INBOX, 1)}
    member.close()


def test_an_error_in_a_callback_comes_out_of_poll_and_loses_no_record(log: KafkaLog) -> None:
    write(log, 0, b"a", b"b")
    owned: set[Pair] = set()

    def assigned(pairs: Sequence[Pair]) -> None:
        owned.update(pairs)
        member.start(EXECUTIONS_INBOX, 0, 0)
        raise ValueError("a bug of the owner's")

    member = log.group("g", [EXECUTIONS_INBOX], assigned, lambda pairs: None)
    with pytest.raises(ValueError, match="a bug of the owner's"):
        poll_until(lambda: False, member)
    got: list[Record] = []
    while len(got) < 2:
        got += member.poll(100, PATIENCE_S)

    assert [record.value for record in got] == [b"a", b"b"]
    member.close()


def test_a_member_that_was_paused_in_its_callback_gets_records_after_a_later_start(log: KafkaLog) -> None:
    owned: set[Pair] = set()
    member = log.group("g", [EXECUTIONS_INBOX], owned.update, owned.difference_update)
    poll_until(lambda: len(owned) == 2, member)
    member.pause(EXECUTIONS_INBOX, 0)
    write(log, 0, b"a", b"b")
    member.start(EXECUTIONS_INBOX, 0, 1)
    got: list[Record] = []
    while not got:
        got = member.poll(100, PATIENCE_S)

    assert [record.value for record in got] == [b"b"]
    member.close()


def test_closing_the_log_closes_members_that_were_left_open(log: KafkaLog) -> None:
    owned: set[Pair] = set()
    member = log.group("g", [EXECUTIONS_INBOX], owned.update, owned.difference_update)
    poll_until(lambda: len(owned) == 2, member)
    log.close()

    assert member.closed
    with pytest.raises(LogError, match="closed"):
        member.poll(1, 0.0)
