"""Changes to the tasks of a flow, made in its text: add, move, remove, disable, set a property.

Owns finding a task by its id; how a text is changed at one place is `splice`'s. Comments and layout stay. What is made
here may still be no valid flow (the last task removed): parse it before it is saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.flow.document import read_documents
from engine.flow.places import EditError
from engine.flow.problems import Path, did_you_mean, kind_of
from engine.flow.splice import insert_item, move_item, remove_item, set_entry, value_at
from engine.flow.types import lookup

__all__ = [
    "EditError",
    "add_task",
    "disable_task",
    "move_task",
    "remove_task",
    "set_flow_property",
    "set_task_property",
]

_TOP = ("tasks", "errors", "finally", "afterExecution")


def add_task(
    source: str, task: str, *, after: str | None = None, branch: str = "tasks", parent: str | None = None
) -> str:
    """Return the flow's text with a task added.

    Args:
        source: The flow's text.
        task: The task's text: YAML of one map, without a dash.
        after: Id of the sibling behind which it goes; if None, it goes last in the branch.
        branch: Where it goes if `after` is None: tasks, errors, then, `cases.<key>` …
        parent: Id of the flowable that has the branch; the flow itself if None.

    Raises:
        EditError: If there is no such place, the task can't be read, or the layout is beyond us.
    """
    value = _read_task(task)
    trimmed = _dedented(task).strip("\n") + "\n"
    # Blank lines at the end may be a part of the last text.
    written = trimmed if _read_task(trimmed) == value else None
    document = _read(source)
    if after is not None:
        place = _find(document, after)
        where, index = _list_of(place), _index_of(place) + 1
    else:
        base = () if parent is None else _find(document, parent)
        where = (*base, *_branch_path(branch))
        held = _held(document, where)
        if not isinstance(held, list):
            return _open_branch(source, document, where, value)
        index = len(held)
    return _insert(source, document, where, index, value, written)


def remove_task(source: str, task_id: str) -> str:
    """Return the flow's text without a task and all inside it; comments above it stay."""
    return remove_item(source, _item_path(_find(_read(source), task_id)))


def move_task(source: str, task_id: str, *, after: str | None = None, before: str | None = None) -> str:
    """Return the flow's text with a task moved behind or before another one, perhaps in another branch.

    Exactly one of `after` and `before` must be given.

    Raises:
        EditError: If a task isn't there, or the task would move into itself.
    """
    target = after if after is not None else before
    if target is None or (after is not None and before is not None):
        raise EditError("Expected either 'after' or 'before'")
    document = _read(source)
    start, goal = _find(document, task_id), _find(document, target)
    if goal[: len(start)] == start:
        raise EditError(f"Task '{task_id}' can't be moved into itself")
    item, goal_item = _item_path(start), _item_path(goal)
    # An item of a Dag stays whole among its siblings: it says which of them come first.
    moved = item if item[:-1] == goal_item[:-1] else start
    value = value_at(document, moved)
    kept = moved if isinstance(moved[-1], int) else None
    if item[:-1] != goal_item[:-1] and _is_of_dag(document, goal_item[:-1]):
        value, kept = {"task": value}, None
    where = _once_out(item, goal_item)
    index = int(where[-1]) + (1 if after is not None else 0)
    return move_item(source, document, item, where[:-1], index, value, kept)


def _once_out(item: Path, path: Path) -> Path:
    """Return where a path leads once an item of a list is taken out."""
    at = len(item) - 1
    if path[:at] == item[:-1] and int(path[at]) > int(item[at]):
        return (*path[:at], int(path[at]) - 1, *path[at + 1 :])
    return path


def disable_task(source: str, task_id: str, disabled: bool = True) -> str:
    """Return the flow's text with a task switched off, or on again."""
    document = _read(source)
    path = _find(document, task_id)
    if not disabled and "disabled" not in value_at(document, path):
        return source
    return set_entry(source, path, "disabled", disabled, after="type")


def set_task_property(source: str, task_id: str, name: str, value: Any) -> str:
    """Return the flow's text with a property of a task set to a JSON value."""
    document = _read(source)
    path = _find(document, task_id)
    task = value_at(document, path)
    last = next(reversed(task))
    return set_entry(source, path, name, value, after="type" if isinstance(task[last], list) else None)


def set_flow_property(source: str, name: str, value: Any) -> str:
    """Return the flow's text with a top-level property set; a new one goes behind the namespace."""
    _read(source)
    return set_entry(source, (), name, value, after="namespace")


def _dedented(text: str) -> str:
    """Return the text without the margin that all its lines share; blanks behind the margin may mean something."""
    lines = text.split("\n")
    margin = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)


def _read_task(task: str) -> Any:
    documents = read_documents(_dedented(task))
    if len(documents) != 1 or documents[0].problems or not isinstance(documents[0].value, dict):
        reason = documents[0].problems[0].message if documents[0].problems else "it isn't one map with id and type"
        raise EditError(f"The task can't be read: {reason}")
    return documents[0].value


def _read(source: str) -> Any:
    documents = read_documents(source)
    if len(documents) != 1 or documents[0].problems or not isinstance(documents[0].value, dict):
        reason = documents[0].problems[0].message if documents[0].problems else "it isn't one map"
        raise EditError(f"The flow can't be read: {reason}")
    return documents[0].value


def _walk(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield id and path of each task below a raw map, by the branches that its type has."""
    for key, kind in _branches(value).items():
        inner = value.get(key)
        lists = [((*path, key), inner)] if kind != "cases" else []
        if kind == "cases" and isinstance(inner, dict):
            lists = [((*path, key, case), tasks) for case, tasks in inner.items()]
        for where, tasks in lists:
            yield from _walk_list(tasks, where, of_dag=kind == "dag")


def _walk_list(tasks: Any, path: Path, *, of_dag: bool = False) -> Iterator[tuple[str, Path]]:
    if isinstance(tasks, dict):
        if "id" in tasks:
            yield str(tasks["id"]), path
            yield from _walk(tasks, path)
        return
    for index, item in enumerate(tasks if isinstance(tasks, list) else ()):
        if not isinstance(item, dict):
            continue
        wrapped = of_dag and isinstance(item.get("task"), dict)
        task, here = (item["task"], (*path, index, "task")) if wrapped else (item, (*path, index))
        yield str(task.get("id")), here
        yield from _walk(task, here)


def _find(document: Any, task_id: str) -> Path:
    known: dict[str, Path] = {}
    for branch in _TOP:
        for name, path in _walk_list(document.get(branch), (branch,)):
            known.setdefault(name, path)
    if task_id not in known:
        raise EditError(f"There is no task '{task_id}'. {did_you_mean(task_id, known)}".strip())
    return known[task_id]


def _item_path(path: Path) -> Path:
    """Return the path of the list item that holds a task: the item of a Dag holds its dependencies too."""
    found = path[:-1] if path[-1] == "task" else path
    if not isinstance(found[-1], int):
        raise EditError("The task stands alone in its place, not in a list")
    return found


def _list_of(path: Path) -> Path:
    return _item_path(path)[:-1]


def _index_of(path: Path) -> int:
    return int(_item_path(path)[-1])


def _branch_path(branch: str) -> Path:
    return ("cases", branch.removeprefix("cases.")) if branch.startswith("cases.") else (branch,)


def _held(document: Any, path: Path) -> Any:
    """Return what stands at a path, None if nothing does."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step)
        else:
            document = document[step] if isinstance(document, list) and isinstance(step, int) else None
    return document


def _open_branch(source: str, document: Any, where: Path, value: Any) -> str:
    """Return the text with a task in a branch that isn't there yet, or is empty."""
    held = _held(document, where)
    if not (held is None or (isinstance(held, list | dict) and not held)):
        raise EditError(f"Expected a list of tasks in '{where[-1]}', but found {kind_of(held)}")
    kind = _branches(_held(document, where[:-1])).get(str(where[-1]))
    tasks: Any = [{"task": value}] if kind == "dag" else [value]
    return set_entry(source, where[:-1], str(where[-1]), value if kind == "task" else tasks)


def _insert(source: str, document: Any, where: Path, index: int, value: Any, written: str | None) -> str:
    if _is_of_dag(document, where):
        value, written = {"task": value}, None
    return insert_item(source, where, index, value, written)


def _is_of_dag(document: Any, where: Path) -> bool:
    """Return whether the items of a list hold a task each, and what it depends on."""
    return where[-1] == "tasks" and "dag" in _branches(value_at(document, where[:-1])).values()


def _branches(value: Any) -> Mapping[str, str]:
    """Return which properties of a task hold other tasks, and how."""
    info = lookup(str(value.get("type"))) if isinstance(value, dict) else None
    return info.branches if info is not None else {}
