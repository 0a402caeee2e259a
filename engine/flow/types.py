"""The table of types: what each name means, its other names, its properties and outputs.

Owns reading the data file `types.json` once. A type of the table need not be one that Penstock runs: flows with other
types are stored and drawn, and checked as far as the table knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files

import msgspec

CORE = "io.kestra.plugin.core."
"""Prefix of the types whose properties the table knows completely."""


class Property(msgspec.Struct, frozen=True):
    """A property of a type.

    `kind` is a name that `engine.flow.shapes.kinds.kind_named` knows.
    """

    name: str
    kind: str
    required: bool


class TypeInfo(
    msgspec.Struct,
    frozen=True,
    dict=True,
    rename={"written": "properties", "written_outputs": "outputs", "other": "aliases"},
):
    """What the table says about a type."""

    kind: str
    """task, flowable, executable, trigger, realtime, runner or condition"""
    written: str = ""
    written_outputs: str | None = None
    other: str = ""
    deprecated: bool = False
    replacement: str | None = None

    @cached_property
    def properties(self) -> Mapping[str, Property]:
        """The type's own properties by name, those that all tasks or triggers share left out."""
        return properties_of(self.written)

    @cached_property
    def outputs(self) -> Mapping[str, str] | None:
        """Kinds of the outputs by name; None if the table doesn't know them."""
        if self.written_outputs is None:
            return None
        return {p.name: p.kind for p in properties_of(self.written_outputs).values()}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names of the properties that must be set."""
        return tuple(p.name for p in self.properties.values() if p.required)

    @cached_property
    def branches(self) -> Mapping[str, str]:
        """Properties that hold child tasks: name to tasks, task, dag or cases."""
        return {p.name: p.kind for p in self.properties.values() if p.kind in BRANCH_KINDS}

    @property
    def is_task(self) -> bool:
        """True if it may stand in a list of tasks."""
        return self.kind in ("task", "flowable", "executable")

    @property
    def is_trigger(self) -> bool:
        """True if it may stand in the list of triggers."""
        return self.kind in ("trigger", "realtime")


BRANCH_KINDS = frozenset({"tasks", "task", "dag", "cases"})


def properties_of(written: str) -> Mapping[str, Property]:
    """Return properties by name; each is written `name:kind!`, without a kind if it is a text, with `!` if required."""
    return {each.name: each for each in map(_read_property, written.split())}


def _read_property(written: str) -> Property:
    required = written.endswith("!")
    name, _, kind = written.rstrip("!").partition(":")
    return Property(name, kind or "str", required)


def _load() -> dict[str, TypeInfo]:
    data = files("engine.flow").joinpath("types.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, TypeInfo])


TYPES: Mapping[str, TypeInfo] = _load()
ALIASES: Mapping[str, str] = {alias: name for name, info in TYPES.items() for alias in info.other.split()}


def canonical(name: str) -> str:
    """Return the present name of a type; a name the table doesn't know is returned as it is."""
    return ALIASES.get(name, name)


def lookup(name: str) -> TypeInfo | None:
    """Return what the table says about a type, whichever of its names is given; None if it doesn't know it."""
    return TYPES.get(ALIASES.get(name, name))
