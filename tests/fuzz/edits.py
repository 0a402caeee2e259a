"""Edits of flows as a target: the first line says which edit, in JSON; the flow's text stands below.

    ["remove", "a"]
    ["disable", "a", true]
    ["set", "a", "message", "a value"]
    ["flow", "description", "a value"]
    ["add", "id: new\ntype: t", {"after": "a"}]
    ["move", "a", "before", "b"]

Owns an idea of its own of what each edit means, on plain values: the edited text must hold one of the values that could
be meant (ids may stand several times), and all that wasn't meant must stand as it stood. An edit may be refused.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from engine.flow.document import read_documents
from engine.flow.edit import (
    EditError,
    add_task,
    disable_task,
    move_task,
    remove_task,
    set_flow_property,
    set_task_property,
)
from engine.flow.places import find, read_tree
from engine.flow.problems import Path

EDITS: dict[str, Callable[..., str]] = {
    "remove": remove_task,
    "disable": disable_task,
    "set": set_task_property,
    "flow": set_flow_property,
    "add": lambda source, task, where: add_task(source, task, **where),
    "move": lambda source, name, side, goal: move_task(source, name, **{side: goal}),
}
_SHAPES = {
    "remove": (str,),
    "disable": (str, bool),
    "set": (str, str, object),
    "flow": (str, object),
    "add": (str, dict),
    "move": (str, str, str),
}

_DAG = ("io.kestra.plugin.core.flow.Dag", "io.kestra.core.tasks.flows.Dag")
_PAUSE = ("io.kestra.plugin.core.flow.Pause", "io.kestra.core.tasks.flows.Pause")

MEANINGS_MAX = 30
"""Where an id stands more often, nothing is compared."""


def edits(text: str) -> Iterator[str]:
    """Make the edit, and compare what came of it with what was meant."""
    first, _, before = text.partition("\n")
    edit = read_edit(first)
    if edit is None:
        return
    name, *arguments = edit
    yield name
    try:
        after = EDITS[name](before, *arguments)
    except EditError as error:
        str(error)
        return
    yield "read what came of it"
    documents = read_documents(after)
    assert len(documents) == 1 and not documents[0].problems, "The edited text can't be read"
    yield "compare the values"
    meant = list(islice(_meant(name, arguments, read_documents(before)[0].value), MEANINGS_MAX + 1))
    if len(meant) > MEANINGS_MAX:
        return
    matching = [path for path, value in meant if value == documents[0].value]
    assert matching, "The edited text holds something else than was meant"
    yield "compare the lines"
    _check_lines(name, before, after, matching)


def read_edit(line: str) -> list[Any] | None:
    """Return the edit that a line asks for, None if it asks for none."""
    try:
        edit = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(edit, list) or not edit or edit[0] not in list(_SHAPES):
        return None
    shape = _SHAPES[edit[0]]
    if len(edit) != len(shape) + 1 or not all(map(isinstance, edit[1:], shape)):
        return None
    if edit[0] == "move" and edit[2] not in ("after", "before"):
        return None
    if edit[0] == "add" and not (
        edit[2].keys() <= {"after", "branch", "parent"} and all(isinstance(each, str) for each in edit[2].values())
    ):
        return None
    return edit


def _meant(name: str, arguments: list[Any], before: Any) -> Iterator[tuple[Path, Any]]:
    """Yield each value that may be meant, with the place that it differs in."""
    if name == "flow":
        after = copy.deepcopy(before)
        after[arguments[0]] = arguments[1]
        yield (arguments[0],), after
    elif name in ("disable", "set"):
        key, value = ("disabled", arguments[1]) if name == "disable" else arguments[1:]
        for path in _maps_of(before, arguments[0]):
            after = copy.deepcopy(before)
            if name == "set" or value or key in _at(after, path):
                _at(after, path)[key] = value
            yield (*path, key), after
    elif name == "remove":
        for path in _items_of(before, arguments[0]):
            after = copy.deepcopy(before)
            del _at(after, path[:-1])[path[-1]]
            yield path, after
    elif name == "add":
        yield from _meant_by_add(before, read_documents(arguments[0])[0].value, arguments[1])
    else:
        for start in _items_of(before, arguments[0]):
            for goal in _items_of(before, arguments[2]):
                if goal[: len(start)] != start:
                    yield start, _moved(before, start, goal, arguments[1] == "after")


def _meant_by_add(before: Any, task: Any, where: dict[str, str]) -> Iterator[tuple[Path, Any]]:
    if "after" in where:
        for path in _items_of(before, where["after"]):
            after = copy.deepcopy(before)
            _at(after, path[:-1]).insert(int(path[-1]) + 1, _wrapped(after, path[:-1], task))
            yield path, after
        return
    branch = where.get("branch", "tasks")
    keys = ("cases", branch.removeprefix("cases.")) if branch.startswith("cases.") else (branch,)
    parents = list(_maps_of(before, where["parent"])) if "parent" in where else [()]
    for path in parents:
        after = copy.deepcopy(before)
        holder = _at(after, path)
        for key in keys[:-1]:
            holder = holder.setdefault(key, {})
        if not holder.get(keys[-1]):
            holder[keys[-1]] = []
        if branch == "onPause" and not holder[branch] and str(holder.get("type")) in _PAUSE:
            holder[branch] = task
            yield (*path, branch), after
        elif isinstance(holder[keys[-1]], list):
            holder[keys[-1]].append(_wrapped(after, (*path, *keys), task))
            yield (*path, *keys), after


def _moved(before: Any, start: Path, goal: Path, behind: bool) -> Any:
    after = copy.deepcopy(before)
    source, target = _at(after, start[:-1]), _at(after, goal[:-1])
    index = int(goal[-1]) + behind
    item = source.pop(start[-1])
    if source is target:
        target.insert(index - (int(start[-1]) < index), item)
        return after
    task = item["task"] if _is_dag(before, start[:-1]) and isinstance(item.get("task"), dict) else item
    target.insert(index, _wrapped(before, goal[:-1], task))
    return after


def _wrapped(value: Any, path: Path, task: Any) -> Any:
    return {"task": task} if _is_dag(value, path) else task


def _is_dag(value: Any, path: Path) -> bool:
    """Tell whether the list at a path is that of a Dag, whose items hold a task each."""
    holder = _at(value, path[:-1]) if path else None
    return isinstance(holder, dict) and path[-1] == "tasks" and str(holder.get("type")) in _DAG


def _maps_of(value: Any, name: str, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict) and path and str(value.get("id")) == name:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _maps_of(each, name, (*path, key))


def _items_of(value: Any, name: str) -> Iterator[Path]:
    for path in _maps_of(value, name):
        found = path[:-1] if path[-1] == "task" else path
        if found and isinstance(found[-1], int):
            yield found


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _check_lines(name: str, before: str, after: str, places: list[Path]) -> None:
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    if start is None:
        start = min(len(before), len(after))
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    gone = before[start : len(before) - end]
    if name == "add":
        nothing = gone.strip(" \t\r\n[]{}~")
        assert nothing in ("", "null") or re.fullmatch(r"\*\w+", nothing), f"Adding a task took {gone!r} away"
        return
    if name in ("set", "disable", "flow") and not any(_has(before, place) for place in places):
        assert not gone, f"A new property took {gone!r} away"
        return
    if name == "remove":
        brought = Counter(_inked(after)) - Counter(_inked(before))
        assert brought.total() <= 1, f"Removing a task brought {sorted(brought)}"
    allowed = max(_lines_of(before, place) for place in places)
    lost = Counter(_inked(before)) - Counter(_inked(after))
    more = 2 if name == "move" else 1
    assert lost.total() <= allowed + more, f"These lines went, and only {allowed} were meant to: {sorted(lost)}"


def _has(text: str, path: Path) -> bool:
    parent = _at(read_documents(text)[0].value, path[:-1])
    return path[-1] in parent if isinstance(parent, dict) else True


def _inked(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip(" \t\r[]{},")]


def _lines_of(text: str, path: Path) -> int:
    """Return how many lines a value has, and the comments behind it that are indented into it."""
    try:
        node = find(read_tree(text), path)
    except EditError:
        return len(_inked(text))
    first = text.rfind("\n", 0, node.after_key or node.start) + 1
    column = len(text[first:]) - len(text[first:].lstrip(" -"))
    count = len(_inked(text[first : node.end]))
    if isinstance(path[-1], int) and "-" not in text[first : node.start]:
        # The dash stands in a line of its own, and comments may stand between.
        above = text[:first].split("\n")
        dash = next((i for i in reversed(range(len(above))) if above[i].strip()[:1] not in ("", "#")), 0)
        count += len(_inked("\n".join(above[dash:])))
    for line in text[node.end :].split("\n")[1:]:
        if line.strip() and not (line.strip().startswith("#") and len(line) - len(line.lstrip()) >= column - 2):
            break
        count += bool(line.strip())
    return count
