"""A log that was once written folds to the rows it once folded to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import machine
from engine.execution import events
from engine.execution.step import EXECUTIONS
from engine.machine import Event
from tests.engine.execution.driven import DictRows
from tests.engine.execution.golden_logs import FOLDER, RECORDED, event_of, flat

RECORD = "python -m tests.engine.execution.golden_logs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def log(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_log_folds_to_its_rows(name: str) -> None:
    recorded = log(name)
    rows = machine.fold(EXECUTIONS, DictRows(), [event_of(event) for event in recorded["events"]])
    rows = {key: row for key, row in rows.items() if row is not None}

    assert sorted(rows) == sorted(recorded["rows"])
    for key, expected in recorded["rows"].items():
        assert of_then(flat(rows[key]), expected) == expected, f"{name}: row {key} folds to something else"


def of_then(now: Any, then: Any) -> Any:
    """Return a value without the fields that it hadn't when the log was written."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {field: of_then(now.get(field), value) for field, value in then.items()}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [of_then(*pair) for pair in zip(now, then, strict=True)]
    return now


def test_every_representative_execution_is_recorded() -> None:
    assert set(RECORDED) <= set(NAMES), f"Record the missing ones with `{RECORD}`."


def test_the_recorded_logs_hold_every_kind_of_event() -> None:
    kinds = {event["@type"] for name in NAMES for event in log(name)["events"]}
    known = {name for name, kind in vars(events).items() if isinstance(kind, type) and issubclass(kind, Event)} - {
        "Event",
        "CommandRejected",
    }

    assert known - kinds == set(), f"Add an execution to golden_logs.py and record it with `{RECORD}`."
