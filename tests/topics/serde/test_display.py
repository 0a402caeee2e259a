"""Messages as people see them."""

from __future__ import annotations

import json

import pytest

from engine.errors import Reason
from engine.machine import CommandRejected
from tests.topics.serde.samples import sample
from topics.messages import Cause, Grant, MetricEntry, SnapshotRow, Step
from topics.serde import to_json
from topics.serde.table import RECORDS


@pytest.mark.parametrize("name", RECORDS)
def test_every_message_becomes_json(name: str) -> None:
    shown = to_json(sample(RECORDS[name], name))
    assert shown["@type"] == RECORDS[name].cls.__name__
    json.dumps(shown)


def test_bytes_that_hold_json_are_shown_as_json() -> None:
    grant = Grant(execution_id="e", task_run_id="t", epoch=1, job_json=b'{"task": {"id": 1}}')
    assert to_json(grant)["job_json"] == {"task": {"id": 1}}


@pytest.mark.parametrize(
    ("held", "shown"),
    [(b"", None), (b"{oops", "{oops"), (b"\xff\x00", "0xff00"), (b"[" * 100_000, "[" * 100_000)],
    ids=["nothing", "no json", "no text", "hostile depth"],
)
def test_bytes_that_hold_no_json_are_shown_as_they_are(held: bytes, shown: object) -> None:
    grant = Grant(execution_id="e", task_run_id="t", epoch=1, job_json=held)
    assert to_json(grant)["job_json"] == shown


def test_other_bytes_are_text_if_they_can_be_printed() -> None:
    shown = to_json(SnapshotRow(key=b"execution/1", value=b"\x00\x01"))
    assert (shown["key"], shown["value"]) == ("execution/1", "0x0001")


def test_events_of_a_step_say_what_they_are() -> None:
    rejected = CommandRejected(reason=Reason.NOT_FOUND, message="gone")
    step = Step(epoch=1, n=1, cause=Cause(kind="timer", offset=1), id="e", seq=1, at_ms=1, events=(rejected,))
    shown = to_json(step)
    assert shown["cause"] == {"@type": "Cause", "kind": "timer", "offset": 1, "timer": "", "request": ""}
    assert shown["events"] == [{"@type": "CommandRejected", "reason": "NOT_FOUND", "message": "gone"}]


def test_numbers_stay_numbers() -> None:
    metric = sample(RECORDS["MetricEntry"], "x")
    assert isinstance(metric, MetricEntry) and to_json(metric)["value"] == metric.value
