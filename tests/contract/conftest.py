"""Gives each test of the contract suite a fresh log of each kind.

`PENSTOCK_KAFKA` names the broker (`host:port`) for the Kafka log; without it that log is skipped on a laptop, and an error
where `CI` is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.logs import LOGS, LogUnderTest
from topics.ports import Log

KAFKA = "kafka"
KAFKA_MISSING = "set PENSTOCK_KAFKA=host:port to run the contract over a broker"


@pytest.fixture(params=[*(name for name in LOGS if name != KAFKA), KAFKA])
def log_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogUnderTest]:
    if request.param == KAFKA and not os.environ.get("PENSTOCK_KAFKA"):
        if os.environ.get("CI"):
            pytest.fail(KAFKA_MISSING)
        pytest.skip(KAFKA_MISSING)
    under_test = LOGS[request.param](tmp_path)
    yield under_test
    under_test.finish()


@pytest.fixture
def log(log_factory: LogUnderTest) -> Log:
    return log_factory.open()
