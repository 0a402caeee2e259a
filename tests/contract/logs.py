"""The logs that the contract suite runs over.

To add a log: write a class with the methods of `LogUnderTest` and name it in `LOGS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from topics.embedded.memory import MemoryLog
from topics.embedded.rocks import open_embedded_log
from topics.embedded.rules import TopicRules
from topics.ports import Log

PARTITIONS = {"one": 1, "three": 3, "six": 6, "jobs.default": 3}
"""The topics of the suite. A log under test creates them fresh for each test."""

RECORD_BYTES_MAX = 100_000
"""The size limit that a log under test sets for them."""


class LogUnderTest(Protocol):
    durable: bool
    """Whether a log that was closed can be opened again with its records."""
    hands_messages_over: bool
    """Whether readers in the same process get the object that was appended."""
    patience_s: float
    """How long a test waits for something that must come. Never waited for in full when all is well."""
    instant: bool
    """Whether `poll` never waits, so that nothing can be awaited by another thread."""

    def open(self) -> Log:
        """Open the log; again after its `close`, if it is durable."""
        ...

    def finish(self) -> None:
        """Remove what is left."""
        ...


def rules() -> TopicRules:
    return TopicRules(PARTITIONS, record_bytes_max=RECORD_BYTES_MAX)


class MemoryUnderTest:
    durable = False
    hands_messages_over = True
    patience_s = 0.0
    instant = True

    def __init__(self, directory: Path) -> None:
        self._log = MemoryLog(rules(), now_ms=lambda: 1_000)

    def open(self) -> Log:
        return self._log

    def finish(self) -> None:
        self._log.close()


class EmbeddedUnderTest:
    durable = True
    hands_messages_over = True
    patience_s = 20.0
    instant = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "log"
        self._open: list[Log] = []

    def open(self) -> Log:
        log = open_embedded_log(self._directory, rules())
        self._open.append(log)
        return log

    def finish(self) -> None:
        for log in self._open:
            log.close()


LOGS: dict[str, Callable[[Path], LogUnderTest]] = {"memory": MemoryUnderTest, "embedded": EmbeddedUnderTest}
"""Every log but Kafka's, which needs a broker: see `conftest.py`."""
