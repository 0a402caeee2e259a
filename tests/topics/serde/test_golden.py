"""Every message has a recorded sample per schema version, which every later version of its class reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import schemas
from tests.topics.serde.samples import COMMAND, FOLDER, encoded, flat, path_of, sample
from topics.serde import MESSAGES, decode
from topics.serde.table import RECORDS

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_message_is_still_read_as_it_was_written(path: Path) -> None:
    recorded = json.loads(path.read_text("utf-8"))
    message = decode(bytes.fromhex(recorded["hex"]))
    assert type(message) is MESSAGES[path.name.split(".")[0]]
    compare(flat(message), recorded["message"], message)


def compare(now: Any, then: Any, value: Any) -> None:
    """Hold a value against the recorded one; fields added since then must have their defaults."""
    if not isinstance(value, msgspec.Struct):
        if isinstance(value, tuple):
            assert len(now) == len(then)
            for each in zip(now, then, value, strict=True):
                compare(*each)
        else:
            assert now == then
        return
    assert now["@type"] == then["@type"]
    for field in msgspec.structs.fields(value):
        inner = getattr(value, field.name)
        if field.name in then:
            compare(now[field.name], then[field.name], inner)
        elif field.default is not msgspec.NODEFAULT:
            assert inner == field.default
        else:
            assert inner == (None if field.default_factory is msgspec.NODEFAULT else field.default_factory())


@pytest.mark.parametrize("name", RECORDS)
def test_every_message_has_a_sample_of_its_current_schema(name: str) -> None:
    path = path_of(name)
    assert path.exists(), f"run: {COMMAND}"
    header = bytes.fromhex(json.loads(path.read_text("utf-8"))["hex"])[:10]
    assert header == encoded(name, sample(RECORDS[name], name))[:10], f"run: {COMMAND}"


def test_every_released_version_has_a_sample() -> None:
    expected = {f"{name}.v{each.version}.json" for name, versions in schemas.released().items() for each in versions}
    assert expected <= {path.name for path in FILES}, f"run: {COMMAND}, before the schema changes"


def test_no_sample_is_of_an_unknown_message() -> None:
    assert {path.name.split(".")[0] for path in FILES} <= set(RECORDS), f"run: {COMMAND}"
