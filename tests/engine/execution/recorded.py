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
    rows = DictRows()
    for number, done in enumerate(driven.steps):
        if not done.events:
            continue
        step = Step(
            epoch=1,
            n=number,
            cause=Cause(kind="inbox", offset=number),
            id=driven.id,
            seq=0,
            at_ms=driven.now_ms,
            namespace="test",
            flow="flow",
            revision=1,
            events=done.events,
        )
        recorded = decode(encode_step("executions", step))
        assert isinstance(recorded, Step)
        assert recorded.events == done.events
        rows.apply(machine.fold(EXECUTIONS, rows, recorded.events))
    return rows.rows
