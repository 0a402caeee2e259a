"""Schemas follow from classes, and the checked-in files from both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import fastavro
import msgspec
import pytest

import schemas
from topics.serde import shapes
from topics.serde.derive import COMMAND, docs_of, text_of, write
from topics.serde.schema import schema_of
from topics.serde.table import RECORDS, classes_in

HOME = Path(str(schemas.home()))


def test_the_schema_files_say_what_the_classes_say() -> None:
    files = {path.stem: path.read_text("utf-8") for path in HOME.glob("*.avsc")}
    assert set(files) == set(RECORDS), f"run: {COMMAND}"
    different = [name for name, record in RECORDS.items() if files[name] != text_of(record)]
    assert different == [], f"run: {COMMAND}"


class Mood(StrEnum):
    GOOD = "good"


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    """Inner thing."""

    x: int = 3


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    """Outer
    thing.
    """

    a: int
    """How many,
    in pieces."""
    b: float = 0.5
    c: bool = True
    d: bytes = b"\x00\xff"
    e: Mood = Mood.GOOD
    f: str | None
    g: str | None = None
    h: int | None = 4
    i: tuple[Inner, ...] = ()
    j: Mapping[str, str] = {}
    k: Inner = Inner(x=9)
    l: dict[str, tuple[int, ...]] | None = None


def test_every_python_type_has_its_avro_type_and_every_optional_field_a_default() -> None:
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "long", "default": 3}]}
    definition = schema_of(shapes.record(Outer))
    assert definition == {
        "type": "record",
        "name": "Outer",
        "namespace": "penstock",
        "fields": [
            {"name": "a", "type": "long"},
            {"name": "b", "type": "double", "default": 0.5},
            {"name": "c", "type": "boolean", "default": True},
            {"name": "d", "type": "bytes", "default": "\x00\xff"},
            {"name": "e", "type": "string", "default": "good"},
            {"name": "f", "type": ["null", "string"], "default": None},
            {"name": "g", "type": ["null", "string"], "default": None},
            {"name": "h", "type": ["long", "null"], "default": 4},
            {"name": "i", "type": {"type": "array", "items": inner}, "default": []},
            {"name": "j", "type": {"type": "map", "values": "string"}, "default": {}},
            {"name": "k", "type": "penstock.Inner", "default": {"x": 9}},
            {
                "name": "l",
                "type": ["null", {"type": "map", "values": {"type": "array", "items": "long"}}],
                "default": None,
            },
        ],
    }
    fastavro.parse_schema(definition)


def test_documentation_comes_from_the_class_and_changes_no_fingerprint() -> None:
    record = shapes.record(Outer)
    documented = schema_of(record, docs_of)
    assert documented["doc"] == "Outer thing."
    assert documented["fields"][0]["doc"] == "How many, in pieces."
    assert schemas.fingerprint(documented) == schemas.fingerprint(schema_of(record))


class Tree(msgspec.Struct, frozen=True):
    children: tuple[Tree, ...] = ()


class Ping(msgspec.Struct, frozen=True):
    pong: Pong | None = None


class Pong(msgspec.Struct, frozen=True):
    pings: dict[str, Ping] = {}


@pytest.mark.parametrize("cls", [Tree, Ping, Pong])
def test_a_message_that_contains_itself_is_refused(cls: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError, match="contains itself"):
        shapes.record(cls)


def test_no_message_contains_itself() -> None:
    def walk(schema: Any, around: tuple[str, ...]) -> None:
        if isinstance(schema, list):
            for each in schema:
                walk(each, around)
        elif isinstance(schema, dict):
            name = schema.get("name", "")
            assert name not in around
            for field in schema.get("fields", ()):
                walk(field["type"], (*around, name))
            walk(schema.get("items"), around)
            walk(schema.get("values"), around)
        elif isinstance(schema, str):
            assert schema.removeprefix("penstock.") not in around

    for record in RECORDS.values():
        walk(schema_of(record), ())


class Nothing(msgspec.Struct, frozen=True):
    pass


@pytest.mark.parametrize(
    "hint",
    [list[int], tuple[int, str], set[str], Any, Literal["a"], int | str, dict[int, str], tuple[Nothing, ...], object],
    ids=str,
)
def test_a_type_that_messages_cannot_carry_is_named_with_its_field(hint: Any) -> None:
    with pytest.raises(TypeError, match=r"Thing\.field"):
        shapes.record(msgspec.defstruct("Thing", [("field", hint)]))


def test_only_the_leaves_of_a_family_of_classes_are_messages() -> None:
    base = msgspec.defstruct("Base", [])
    middle = msgspec.defstruct("Middle", [], bases=(base,))
    leaf = msgspec.defstruct("Leaf", [], bases=(middle,))
    module: Any = type("Module", (), {})()
    module.__dict__.update(Base=base, Middle=middle, Leaf=leaf, other=1)
    assert classes_in(module, base) == (leaf,)


def records(*fields: tuple[Any, ...], name: str = "Thing") -> dict[str, shapes.Record]:
    source = msgspec.defstruct(name, list(fields), frozen=True, kw_only=True)
    return {name: shapes.record(source)}


@pytest.fixture
def undocumented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes made on the fly have no source to take documentation from."""
    monkeypatch.setattr("topics.serde.derive.docs_of", lambda cls: {})


@pytest.mark.usefixtures("undocumented")
def test_writing_makes_updates_and_removes_files(tmp_path: Path) -> None:
    assert write(tmp_path, records(("a", int))) == []
    assert [field["name"] for field in json.loads((tmp_path / "Thing.avsc").read_text())["fields"]] == ["a"]
    assert write(tmp_path, records(("b", int), name="Other")) == []
    assert [path.name for path in tmp_path.glob("*.avsc")] == ["Other.avsc"]


@pytest.mark.usefixtures("undocumented")
def test_a_release_keeps_each_version_once(tmp_path: Path) -> None:
    for _ in range(2):
        assert write(tmp_path, records(("a", int)), release=True) == []
    assert write(tmp_path, records(("a", int), ("b", str, ""))) == []
    assert [each.version for each in schemas.released(tmp_path)["Thing"]] == [1]
    assert write(tmp_path, records(("a", int), ("b", str, "")), release=True) == []
    first, second = schemas.released(tmp_path)["Thing"]
    assert (first.version, second.version) == (1, 2)
    assert second.fingerprint == schemas.current(tmp_path)["Thing"].fingerprint != first.fingerprint


@pytest.mark.usefixtures("undocumented")
def test_an_incompatible_change_of_a_released_message_is_refused_and_nothing_written(tmp_path: Path) -> None:
    write(tmp_path, records(("a", int)), release=True)
    before = (tmp_path / "Thing.avsc").read_text()
    (problem,) = write(tmp_path, records(("a", int), ("b", str)))
    assert problem == "Thing: against v1: b has no default and isn't always written: " + (
        "the new schema can't read what the old one wrote"
    )
    assert write(tmp_path, {}) == ["Thing: was released, so its class must stay: records of it are in logs"]
    assert (tmp_path / "Thing.avsc").read_text() == before


@pytest.mark.usefixtures("undocumented")
def test_a_message_that_was_never_released_may_change_at_will(tmp_path: Path) -> None:
    write(tmp_path, records(("a", int)))
    assert write(tmp_path, records(("a", str), ("b", str))) == []
