"""Where the parts of a flow stand on a page: boxes in boxes, one branch beside the other, one task below the other.

Owns the measuring and placing. It knows no SVG and no colours, so that the same layout may be drawn in another way.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.flow.model import Flow, Task
from engine.flow.rules.cycles import depths
from engine.flow.types import CORE

GAP = 28
"""Between a box and the next below it; leaves room for an arrow."""
SIDE = 24
PADDING = 16
TITLE = 30
HEIGHT = 44
MIN_WIDTH = 132
CHARACTER = 7.2
"""Average width of a letter at 12 px."""
LONGEST = 40

_SIDE_BY_SIDE = frozenset({f"{CORE}flow.Parallel", f"{CORE}flow.EachParallel"})
_DAG = f"{CORE}flow.Dag"


class Box(msgspec.Struct):
    """A task, a branch or a flowable, and where it stands; children are placed relative to their parent."""

    kind: str
    """task, trigger, flowable, branch, row, column"""
    label: str = ""
    note: str = ""
    width: float = 0
    height: float = 0
    x: float = 0
    y: float = 0
    disabled: bool = False
    children: list[Box] = msgspec.field(default_factory=list)
    arrows: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """Pairs of children between which an arrow goes."""


def lay_out(flow: Flow) -> Box:
    """Return the placed boxes of a flow: the triggers lead to its tasks, the other branches stand beside them."""
    tasks = [_task(task) for task in flow.branches.get("tasks", ())]
    if flow.triggers:
        tasks.insert(0, _row([_leaf("trigger", t.id, _short(t.type), t.disabled) for t in flow.triggers]))
    beside = [branch for branch in flow.branches if branch != "tasks" and not branch.startswith("listeners.")]
    main = [_branch(branch, flow.branches[branch], framed=True) for branch in beside if flow.branches[branch]]
    return _row([_column(tasks, arrows=True), *main])


def _short(name: str) -> str:
    return ".".join(name.rsplit(".", 2)[-2:])


def _leaf(kind: str, label: str, note: str, disabled: bool) -> Box:
    shown = max(len(label[:LONGEST]), len(note[:LONGEST]) * 0.85)
    return Box(kind, label, note, max(MIN_WIDTH, shown * CHARACTER + 2 * PADDING), HEIGHT, disabled=disabled)


def _task(task: Task) -> Box:
    branches = [(branch, tasks) for branch, tasks in task.branches.items() if tasks]
    if not branches:
        return _leaf("task", task.id, _short(task.type), task.disabled)
    inner: list[Box] = []
    for branch, tasks in branches:
        named = branch != "tasks"
        if branch == "tasks" and task.type == _DAG:
            inner.append(_dag(tasks))
        elif branch == "tasks" and task.type in _SIDE_BY_SIDE:
            inner.append(_row([_task(child) for child in tasks]))
        else:
            inner.append(_branch(branch.removeprefix("cases."), tasks, named))
    content = inner[0] if len(inner) == 1 else _row(inner)
    return _around(Box("flowable", task.id, _short(task.type), disabled=task.disabled, children=[content]))


def _branch(label: str, tasks: Sequence[Task], framed: bool) -> Box:
    column = _column([_task(task) for task in tasks], arrows=True)
    return _around(Box("branch", label, children=[column])) if framed else column


def _around(box: Box) -> Box:
    (content,) = box.children
    title = max(len(box.label[:LONGEST]), len(box.note[:LONGEST]) * 0.85) * CHARACTER
    box.width = max(content.width, title) + 2 * PADDING
    head = TITLE if box.kind == "branch" else HEIGHT
    box.height = content.height + head + PADDING
    content.x, content.y = (box.width - content.width) / 2, head
    return box


def _column(children: list[Box], arrows: bool) -> Box:
    box = Box("column", width=max(child.width for child in children), children=children)
    for child in children:
        child.x, child.y = (box.width - child.width) / 2, box.height
        box.height += child.height + GAP
    box.height -= GAP
    if arrows:
        box.arrows = [(index, index + 1) for index in range(len(children) - 1)]
    return box


def _row(children: list[Box]) -> Box:
    if len(children) == 1:
        return children[0]
    box = Box("row", height=max(child.height for child in children), children=children)
    for child in children:
        child.x, child.y = box.width, 0
        box.width += child.width + SIDE
    box.width -= SIDE
    return box


def _dag(tasks: Sequence[Task]) -> Box:
    """Lay a Dag out in layers: each task below all that it depends on."""
    layer = depths({task.id: task.depends_on for task in tasks})
    children = [_task(task) for task in tasks]
    rows: dict[int, list[Box]] = {}
    for task, child in zip(tasks, children, strict=True):
        rows.setdefault(layer.get(task.id, 0), []).append(child)
    widths = {key: sum(child.width for child in row) + SIDE * (len(row) - 1) for key, row in rows.items()}
    box = Box("dag", width=max(widths.values()), children=children)
    for key in sorted(rows):
        x = (box.width - widths[key]) / 2
        for child in rows[key]:
            child.x, child.y = x, box.height
            x += child.width + SIDE
        box.height += max(child.height for child in rows[key]) + GAP + PADDING
    box.height -= GAP + PADDING
    order = {task.id: index for index, task in enumerate(tasks)}
    box.arrows = [(order[name], order[task.id]) for task in tasks for name in task.depends_on if name in order]
    return box
