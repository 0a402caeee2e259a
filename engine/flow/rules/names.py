"""Which names a flow's templates can read: its inputs, variables, tasks and their outputs.

Owns nothing about templates themselves; `templates` beside it compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from engine.flow.model import Flow, Input, Task
from engine.flow.types import CORE, TYPES

ROOTS = frozenset(
    {
        "flow",
        "execution",
        "task",
        "taskrun",
        "parent",
        "parents",
        "item",
        "outputs",
        "tasks",
        "inputs",
        "vars",
        "labels",
    }
    | {
        "trigger",
        "schedule",
        "envs",
        "globals",
        "kestra",
        "namespace",
        "files",
        "workingDir",
        "outputDir",
        "outputFiles",
    }
    | {"bucketPath", "workerTaskrun", "response", "loop"}
)
"""Variables that exist somewhere; whether one exists where it is read is known only at run time."""

_LOOPS = frozenset(f"{CORE}flow.{name}" for name in ("ForEach", "EachSequential", "EachParallel"))
"""Flowables whose children's outputs are nested by value."""
_SURE = (CORE, "io.kestra.plugin.scripts.")
"""Prefixes of the types whose outputs the table knows surely enough to contradict a flow."""
_SET_VARIABLES = f"{CORE}execution.SetVariables"
_SPLIT = f"{CORE}flow.ForEachItem"
_SPLIT_PARTS = {
    "split": {"splits": "str"},
    "items": {"iterations": "map", "numberOfBatches": "int", "uri": "str", "subflowOutputsBaseUri": "str"},
    "merge": {"subflowOutputs": "str"},
}


class InputNames(msgspec.Struct):
    """What can be read at a place below `inputs`: ids are taken apart at their dots, a form's children are below it."""

    is_input: bool = False
    below: dict[str, InputNames] = msgspec.field(default_factory=dict)


class Names(msgspec.Struct, frozen=True):
    """The names of one flow."""

    inputs: InputNames
    variables: frozenset[str] | None
    """None if a task may set any variable."""
    outputs: Mapping[str, Mapping[str, str] | None]
    """Outputs of each task by its id; None where they aren't known or are nested by a loop's value."""
    tasks: frozenset[str]


def input_ids(inputs: Iterable[Input]) -> Iterator[str]:
    """Yield the ids by which the values of inputs are given and read: in the place of a form those of its children."""
    for item in inputs:
        children = item.properties.get("inputs") if item.type == "FORM" else None
        if not isinstance(children, list):
            yield item.id
            continue
        for child in children:
            if isinstance(child, dict):
                yield f"{item.id}.{child.get('id')}"


def names_of(flow: Flow) -> Names:
    """Return what templates of a flow can read."""
    inputs = InputNames()
    for name in input_ids(flow.inputs):
        place = inputs
        for part in name.split("."):
            place = place.below.setdefault(part, InputNames())
        place.is_input = True
    variables: set[str] | None = set(flow.variables)
    outputs: dict[str, Mapping[str, str] | None] = {}
    stack: list[tuple[Task, bool]] = [(task, False) for tasks in flow.branches.values() for task in tasks]
    while stack:
        task, nested = stack.pop()
        outputs[task.id] = None if nested else _outputs_of(task)
        if task.type == _SPLIT:
            for part, known in _SPLIT_PARTS.items():
                outputs[f"{task.id}_{part}"] = None if nested else known
        elif task.type == _SET_VARIABLES and variables is not None:
            given = task.properties.get("variables")
            variables = variables | set(given) if isinstance(given, dict) else None
        inner = nested or task.type in _LOOPS
        stack.extend((child, inner) for children in task.branches.values() for child in children)
    known_variables = None if variables is None else frozenset(variables)
    return Names(inputs, known_variables, outputs, frozenset(outputs))


def _outputs_of(task: Task) -> Mapping[str, str] | None:
    info = TYPES.get(task.type)
    return info.outputs if info is not None and task.type.startswith(_SURE) else None
