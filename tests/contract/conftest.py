"""Gives each test of the contract suite a fresh log of each kind.

That on Kafka needs a broker, see `tests/e2e/kafka_broker.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.logs import LOGS, PARTITIONS, RECORD_BYTES_MAX, LogUnderTest
from tests.topics.kafka.under_test import KafkaUnderTest
from topics.ports import Log

KAFKA = "kafka"


@pytest.fixture(params=[*LOGS, KAFKA])
def log_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogUnderTest]:
    under_test: LogUnderTest
    if request.param == KAFKA:
        settings = request.getfixturevalue("kafka_settings")
        limited = msgspec.structs.replace(settings, record_bytes_max=RECORD_BYTES_MAX)
        under_test = KafkaUnderTest(limited, PARTITIONS)
    else:
        under_test = LOGS[request.param](tmp_path)
    yield under_test
    under_test.finish()


@pytest.fixture
def log(log_factory: LogUnderTest) -> Log:
    return log_factory.open()
