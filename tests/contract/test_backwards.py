"""A partition read from its end: on every log the same records, the last first."""

from __future__ import annotations

import pytest

from tests.contract.logs import LogUnderTest
from tests.contract.test_log import Hands
from topics import backwards
from topics.backwards import pieces_backwards
from topics.ports import Log


@pytest.fixture
def hands(log_factory: LogUnderTest, log: Log) -> Hands:
    return Hands(log_factory, log)


def test_all_records_come_in_pieces_that_grow(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backwards, "FIRST_RECORDS", 2)
    monkeypatch.setattr(backwards, "RECORDS_MAX", 4)
    hands.write("three", 1, *(str(number).encode() for number in range(13)))

    pieces = [[record.offset for record in piece] for piece in pieces_backwards(hands.log, "three", 1)]

    assert pieces == [[11, 12], [7, 8, 9, 10], [3, 4, 5, 6], [0, 1, 2]]
    assert list(pieces_backwards(hands.log, "three", 0)) == []


def test_who_has_found_what_he_looked_for_reads_no_further(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backwards, "FIRST_RECORDS", 1)
    hands.write("three", 1, b"a", b"b", b"c")

    pieces = pieces_backwards(hands.log, "three", 1)
    assert [record.value for record in next(pieces)] == [b"c"]
    hands.write("three", 1, b"later")
    assert [record.value for record in next(pieces)] == [b"a", b"b"]
    assert next(pieces, None) is None
