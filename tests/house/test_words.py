"""What runs is explained: each type and each of its properties has a sentence in `engine/flow/shapes/words.json`."""

from __future__ import annotations

import json

from engine import flowables, tasks
from engine.flow.inputs import TYPE_PROPERTIES
from engine.flow.schema import PARTS
from engine.flow.shapes.documents import words
from engine.flow.shapes.parts import kinds_of
from engine.flow.types import TYPES
from engine.modules import by_type
from tests.house import source
from worker.plugins import Registry

PLACE = "engine/flow/shapes/words.json"


def running() -> list[str]:
    """The types of the table that Penstock runs."""
    found = {
        *by_type("engine.flowables", flowables.__path__, "FLOWABLE"),
        *by_type("engine.tasks", tasks.__path__, "TASK"),
        *Registry().types,
    }
    return sorted(found & set(TYPES))


def test_every_type_that_runs_is_explained_with_its_properties() -> None:
    problems = []
    for name in running():
        said = words().get(name, {})
        missing = sorted({*TYPES[name].properties, *([] if TYPES[name].replacement else [""])} - set(said))
        if missing:
            problems.append(
                f"{PLACE} needs {json.dumps(name)}: {json.dumps(dict.fromkeys(missing, '…'), ensure_ascii=False)}"
            )

    assert not problems, source.report(problems, "One sentence each; the type's own stands under the empty name.")


def test_every_part_is_explained_with_its_properties() -> None:
    problems = [
        f"{PLACE}: nothing is said of '{key}' of '{name}'"
        for name, part in PARTS.items()
        for key in kinds_of(part)
        if key not in words().get(name, {})
    ]
    problems += [
        f"{PLACE}: nothing is said of '{key}' of 'input.{kind}'"
        for kind, properties in TYPE_PROPERTIES.items()
        for key in properties
        if key not in words().get(f"input.{kind}", {})
    ]

    assert not problems, source.report(problems, "One sentence each.")


def test_nothing_is_said_of_what_does_not_exist() -> None:
    problems = []
    for name, said in words().items():
        owner = name.removesuffix(".outputs")
        if owner in TYPES:
            known = set((TYPES[owner].outputs or {}) if owner != name else TYPES[owner].properties)
            shared = set().union(*(set(words()[other]) for other in words() if other.startswith(("a ", "of "))))
            problems += [f"{name} has no '{key}'" for key in said if key and key not in known | shared]
        elif name in PARTS:
            problems += [f"{name} has no '{key}'" for key in said if key and key not in kinds_of(PARTS[name])]
        elif not name.startswith(("a ", "of ", "input.")):
            problems.append(f"There is no '{name}'")

    assert not problems, source.report(problems, f"Take it out of {PLACE}, or mend its name.")
