"""The first part of ForEachItem: batches of a stored file."""

from __future__ import annotations

import io
from typing import Any

import pytest

from engine.execution.job import Job
from engine.flowables.for_each_item import SPLIT
from tests.worker.attempts import Attempts
from tests.worker.executors import job


def split(attempts: Attempts, text: str, name: str = "items.csv", **batch: Any) -> list[str]:
    """Return the batches of a text, found by what the engine knows of them."""
    uri = attempts.files().put(name, io.BytesIO(text.encode()))
    outputs = attempts.outputs(split_job(uri, **batch))
    uris = [f"{outputs['base']}{number:08d}{outputs['suffix']}" for number in range(outputs["count"])]
    assert attempts.files().read_text(outputs["splits"], 10_000).splitlines() == uris
    return [attempts.files().read_text(each, 10_000) for each in uris]


def split_job(uri: str, **batch: Any) -> Job:
    return job(SPLIT, properties={"items": uri, "batch": batch} if batch else {"items": uri})


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ({}, ["a\n", "b\n", "c\n", "d\n", "e"]),
        ({"rows": 2}, ["a\nb\n", "c\nd\n", "e"]),
        ({"rows": "{{ 1 + 2 }}"}, ["a\nb\nc\n", "d\ne"]),
        ({"partitions": 2}, ["a\nc\ne", "b\nd\n"]),
        ({"partitions": 9}, ["a\n", "b\n", "c\n", "d\n", "e"]),
        ({"bytes": "5B"}, ["a\nb\n", "c\nd\ne"]),
        ({"bytes": "1KB"}, ["a\nb\nc\nd\ne"]),
        ({"bytes": "1"}, ["a\n", "b\n", "c\n", "d\n", "e"]),
        ({"separator": "c"}, ["a\nb\nc", "\nd\ne"]),
        ({"regexPattern": "([ace])"}, ["a\n", "c\n", "e"]),
        ({"regexPattern": "[a-c]|(d)", "rows": 2}, ["a\nb\nc\n", "d\n"]),
    ],
)
def test_a_file_is_cut_as_its_batch_says(attempts: Attempts, batch: dict[str, Any], expected: list[str]) -> None:
    assert split(attempts, "a\nb\nc\nd\ne", **batch) == expected


def test_an_empty_file_has_no_batches(attempts: Attempts) -> None:
    assert split(attempts, "") == []


def test_rows_are_found_across_the_pieces_that_are_read(attempts: Attempts) -> None:
    text = "".join(f"{number:07d}\r\n" for number in range(300_000))
    uri = attempts.files().put("items.txt", io.BytesIO(text.encode()))
    outputs = attempts.outputs(split_job(uri, rows=100_000, separator="\r\n"))
    first = attempts.files().read_text(f"{outputs['base']}00000002{outputs['suffix']}", 10_000_000)

    assert outputs["count"] == 3
    assert (first[:9], first[-9:]) == ("0200000\r\n", "0299999\r\n")


@pytest.mark.parametrize(("name", "suffix"), [("a.ion", ".ion"), ("a.tar.gz", ".gz"), ("a", ""), ("a.b-c", "")])
def test_batches_end_as_the_file_does(attempts: Attempts, name: str, suffix: str) -> None:
    uri = attempts.files().put(name, io.BytesIO(b"x"))

    assert attempts.outputs(split_job(uri))["suffix"] == suffix


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        ({"rows": 0}, "batch.rows"),
        ({"bytes": "lots"}, "batch.bytes: expected a size such as 10MB"),
        ({"separator": ""}, "batch.separator: expected a text"),
        ({"partitions": 5_000}, "batch.partitions: expected at most 1000"),
        ({"regexPattern": "("}, ""),
    ],
)
def test_what_makes_no_sense_is_refused(attempts: Attempts, batch: dict[str, Any], says: str) -> None:
    uri = attempts.files().put("a.txt", io.BytesIO(b"x\ny\n"))
    ended = attempts.run(split_job(uri, **batch))

    assert ended.state == "FAILED"
    assert says in ended.error


def test_a_file_of_another_execution_is_refused(attempts: Attempts) -> None:
    ended = attempts.run(split_job("kestra:///other/flow/executions/x/tasks/t/r/a.txt"))

    assert ended.state == "FAILED"
    assert "belongs to another execution" in ended.error
