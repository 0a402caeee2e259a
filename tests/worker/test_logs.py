"""The log of one attempt: limits, masks, shipping."""

from __future__ import annotations

import io
from typing import Any

from tests.worker.executors import FakeExecutor, job
from topics import catalog
from topics.embedded.faults import FaultRates, Faults
from topics.embedded.memory import MemoryLog
from topics.embedded.rules import catalog_partitions
from worker.logs import OUTSTANDING_MAX, AttemptLog, LogLimits, Masks, Shipper


class Scene:
    def __init__(self, limits: LogLimits | None = None, faults: Faults | None = None, **given: Any) -> None:
        self.now = 0.0
        self.memory = MemoryLog(catalog_partitions(3), faults=faults or Faults(0, FaultRates()))
        self.executor = FakeExecutor(self.memory)
        self.shipper = Shipper(self.memory)
        self.log = AttemptLog(
            job(**given), self.shipper, limits or LogLimits(), lambda: self.now, lambda: int(self.now * 1000)
        )

    @property
    def texts(self) -> list[str]:
        self.executor.look()
        return [line.message for line in self.executor.lines]


def test_after_the_last_line_that_fits_one_says_so_and_the_end_says_how_many_are_missing() -> None:
    scene = Scene(LogLimits(lines=3))
    for number in range(10):
        scene.log.line("INFO", str(number))
    assert scene.log.full
    scene.log.error("the end")
    scene.log.end()

    assert scene.texts[:3] == ["0", "1", "2"]
    assert "3 lines" in scene.texts[3]
    assert scene.texts[4].startswith("7 lines are left out")
    assert scene.texts[5:] == ["the end"]


def test_a_file_takes_the_place_of_the_log_but_for_errors_of_the_engine() -> None:
    scene = Scene()
    file = io.BytesIO()
    log = AttemptLog(job(), scene.shipper, LogLimits(lines=2), lambda: 0.0, lambda: 1_000, file)
    log.masks.add("secret")
    log.line("INFO", "a secret")
    log.error("the end")
    log.end()

    assert file.getvalue() == b"1970-01-01T00:00:01.000Z INFO  a ******\n1970-01-01T00:00:01.000Z ERROR the end\n"
    assert scene.texts == ["the end"]


def test_long_lines_fill_the_log_too() -> None:
    scene = Scene(LogLimits(bytes=100))
    scene.log.line("INFO", "x" * 200)

    assert scene.log.full


def test_lines_that_come_too_fast_are_counted_and_later_ones_come_through() -> None:
    scene = Scene(LogLimits(lines_per_s=10, burst=5))
    for number in range(20):
        scene.log.line("INFO", str(number))
    scene.now += 1
    scene.log.line("INFO", "later")
    scene.log.end()

    assert scene.texts[:5] == ["0", "1", "2", "3", "4"]
    assert scene.texts[5].startswith("15 lines are left out")
    assert scene.texts[6:] == ["later"]


def test_levels_below_the_wanted_one_are_not_written() -> None:
    scene = Scene(log_level="WARN")
    for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR"):
        scene.log.line(level, level)

    assert scene.texts == ["WARN", "ERROR"]


def test_metrics_are_numbered_and_bounded() -> None:
    scene = Scene(LogLimits(metrics=2))
    for value in range(5):
        scene.log.metric("counter", "rows", value, {"a": "b"})
    scene.log.end()
    scene.executor.look()

    assert [(each.id, each.value) for each in scene.executor.metrics] == [("run-1/1/1", 0.0), ("run-1/1/2", 1.0)]
    assert "2 metrics" in scene.texts[0]


def test_lines_of_an_execution_lie_in_its_partition() -> None:
    scene = Scene(execution_id="somebody")
    scene.log.line("INFO", "x")
    partition = catalog.partition_of(b"somebody", 3)

    assert scene.memory.end_offset(catalog.LOGS, partition) == 1


def test_a_line_whose_acknowledgement_failed_is_sent_again_as_the_same_line() -> None:
    scene = Scene(faults=Faults(3, FaultRates(unknown=0.5)))
    for number in range(50):
        scene.log.line("INFO", str(number))
        scene.log.flush()
    for _ in range(5):
        scene.log.flush()
    scene.executor.look()

    assert len({line.id for line in scene.executor.lines}) == 50
    assert len(scene.executor.lines) > 50


def test_masks_hide_values_their_lines_and_the_longer_before_the_shorter() -> None:
    masks = Masks()
    for value in ("abc", "abcdef", "first\nsecond", "no", "  "):
        masks.add(value)

    assert masks.hide("abcdef abc second no  ") == "****** ****** ****** no  "


def test_a_log_that_is_away_costs_lines_and_not_time() -> None:
    scene = Scene(LogLimits(burst=10**6), faults=Faults(3, FaultRates(hold=1.0)))
    waits: list[float] = []
    poll = scene.shipper._writer.poll
    scene.shipper._writer.poll = lambda timeout_s=0.0: waits.append(timeout_s) or poll(timeout_s)  # type: ignore[method-assign,func-returns-value]
    for number in range(OUTSTANDING_MAX + 100):
        scene.log.line("INFO", str(number))

    assert scene.shipper.lost == 100
    assert sum(each > 0 for each in waits) == 1
