"""Every message has all its parts: each event a fold, a golden file, each command a decider; all have schemas."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import pytest

import schemas
from engine.machine import Aggregate, Command, CommandRejected, Event, FireTimer
from tests.house import source

KINDS = sorted({path.parts[1] for path in source.python_files("engine") if "events" in (path.stem, path.parent.name)})


def classes(kind: str, module: str, base: type) -> list[type]:
    """Subclasses of `base` that `engine/<kind>/<module>.py` defines."""
    found = importlib.import_module(f"engine.{kind}.{module}")
    return [
        each
        for _, each in inspect.getmembers(found, inspect.isclass)
        if issubclass(each, base) and each is not base and f"{each.__module__}.".startswith(f"{found.__name__}.")
    ]


def aggregates() -> Iterator[Aggregate]:
    """Every aggregate that a module of the engine builds."""
    for name in source.modules():
        if name.startswith("engine."):
            for value in vars(importlib.import_module(name)).values():
                if isinstance(value, Aggregate):
                    yield value


def aggregate_of(kind: str) -> Aggregate:
    commands = classes(kind, "commands", Command)
    return next(each for each in aggregates() if set(commands) & set(each.deciders))


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_has_a_fold_and_nothing_else_has(kind: str) -> None:
    events = {*classes(kind, "events", Event), CommandRejected}

    assert set(aggregate_of(kind).evolvers) == events, f"Register each event once in engine/{kind}/evolve, EVOLVERS."


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_has_a_decider_and_nothing_else_has(kind: str) -> None:
    assert set(aggregate_of(kind).deciders) - {FireTimer} == set(classes(kind, "commands", Command)), (
        f"Register each command once in engine/{kind}/decide, DECIDERS."
    )


@pytest.mark.parametrize("kind", KINDS)
def test_only_events_of_the_aggregate_have_reactions(kind: str) -> None:
    assert set(aggregate_of(kind).reactors) <= set(aggregate_of(kind).evolvers)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_and_command_has_a_schema(kind: str) -> None:
    known = {name for schema in schemas.current().values() for name in record_names(schema.definition)}
    wanted = {each.__name__ for each in [*classes(kind, "events", Event), *classes(kind, "commands", Command)]}

    assert wanted - known == set(), "Derive the .avsc files anew; see topics/README.md."


def record_names(definition: object) -> Iterator[str]:
    """Yield the names of all records in a schema."""
    if isinstance(definition, dict):
        if definition.get("type") == "record":
            yield str(definition["name"]).rpartition(".")[2]
        for value in definition.values():
            yield from record_names(value)
    elif isinstance(definition, list):
        for value in definition:
            yield from record_names(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_has_a_golden_file(kind: str) -> None:
    golden = {path.name.split(".")[0] for path in source.files() if path.parts[:3] == ("tests", "golden", "messages")}
    missing = [each.__name__ for each in classes(kind, "events", Event) if each.__name__ not in golden]

    assert not missing, f"No file in tests/golden/messages for {', '.join(missing)}; see engine/README.md."
