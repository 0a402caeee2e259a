"""The check after each test: every execution that it drove survives its way through the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine import machine
from engine.execution.step import EXECUTIONS
from tests.engine.execution.driven import DictRows, Driven
from topics.messages import Cause, Step
from topics.serde import decode, encode_step

EVENTS_MAX = 3_000
"""Larger executions are folded step by step only, as they are driven."""


@pytest.fixture(autouse=True)
def recorded_executions_fold_to_their_rows() -> Iterator[None]:
    """Encode the steps, decode them, fold them from nothing, and compare the rows."""
    Driven.made.clear()
    yield
    for driven in Driven.made:
        if len(driven.events) <= EVENTS_MAX:
            assert folded(driven) == driven.rows.rows
    Driven.made.clear()


def folded(driven: Driven) -> dict[str, machine.Row]:
    """Return the rows that an execution's steps come to after they were bytes."""
    return fold_steps(recorded_steps(driven))


def recorded_steps(driven: Driven) -> list[bytes]:
    """Return the steps of an execution as records."""
    seq = 0
    records: list[bytes] = []
    for done in driven.steps:
        if not done.events:
            continue
        step = Step(
            epoch=1,
            n=len(records),
            cause=Cause(kind="inbox", offset=len(records)),
            id=driven.id,
            seq=seq,
            at_ms=driven.now_ms,
            namespace="test",
            flow="flow",
            revision=1,
            events=done.events,
        )
        seq += len(done.events)
        records.append(encode_step("executions", step))
    return records


def fold_steps(records: list[bytes]) -> dict[str, machine.Row]:
    """Return the rows that recorded steps fold to."""
    rows = DictRows()
    for record in records:
        step = decode(record)
        assert isinstance(step, Step)
        rows.apply(machine.fold(EXECUTIONS, rows, step.events))
    return rows.rows
