"""A fold that recorded events rely on doesn't change: its source is compared with a golden copy.

A log that was written by an older version must fold to the same rows. Whoever wants a fold to do something else adds a
new event with a fold of its own. The copies leave out comments, docstrings and layout; they hold the fold and every
function and constant of the aggregate's fold modules that it uses.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.machine import Aggregate
from tests.house import source

GOLDEN = source.ROOT / "tests" / "golden" / "folds"
UPDATE = "PENSTOCK_FREEZE_FOLDS"


def folds() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield (`executions/TaskRunEnded`, its fold) of every event."""
    for kind in ("execution", "catalog", "slots", "trigger"):
        step = importlib.import_module(f"engine.{kind}.step")
        aggregate = next(value for value in vars(step).values() if isinstance(value, Aggregate))
        for event, fold in aggregate.evolvers.items():
            yield f"{aggregate.kind}/{event.__name__}", fold


FOLDS = dict(folds())


def frozen_text(fold: Callable[..., Any]) -> str:
    """Return the fold's source and that of what it uses of its neighbours, in a form that layout doesn't change."""
    texts: dict[str, str] = {}
    collect(inspect.getmodule(fold), fold.__name__, texts)
    return "\n\n".join(texts.values()) + "\n"


def collect(module: Any, name: str, texts: dict[str, str]) -> None:
    """Add the definition of `name` in `module` to `texts`, then what it uses of the same package."""
    here = f"{module.__name__}.{name}"
    if here in texts:
        return
    tree = source.tree(Path(inspect.getfile(module)).relative_to(source.ROOT))
    definition = next((each for each in tree.body if name in defined(each)), None)
    if definition is not None:
        texts[here] = ast.unparse(without_prose(definition))
        for used in sorted({node.id for node in ast.walk(definition) if isinstance(node, ast.Name)} - {name}):
            collect(module, used, texts)
        return
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and ".evolve" in str(statement.module):
            for alias in statement.names:
                if name == (alias.asname or alias.name):
                    collect(importlib.import_module(str(statement.module)), alias.name, texts)


def defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return (
        {statement.target.id}
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        else set()
    )


def without_prose(definition: ast.stmt) -> ast.stmt:
    copy = ast.parse(ast.unparse(definition)).body[0]
    if isinstance(copy, ast.FunctionDef) and ast.get_docstring(copy) is not None:
        copy.body = copy.body[1:] or [ast.Pass()]
    return copy


def meaning(text: str) -> str:
    """Python versions write the same tree out in different ways."""
    return ast.dump(ast.parse(text))


@pytest.mark.parametrize("name", sorted(FOLDS))
def test_a_released_fold_is_as_it_was(name: str) -> None:
    golden = GOLDEN / f"{name}.txt"
    text = frozen_text(FOLDS[name])
    if os.environ.get(UPDATE):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, "utf-8")

    assert golden.exists(), f"A new event: freeze its fold with `{UPDATE}=1 make test ARGS=tests/house`."
    assert meaning(text) == meaning(golden.read_text("utf-8")), (
        f"The fold of {name} changed, so logs of older versions would fold to other rows. Leave it as it is and add a "
        f"new event. Only if no log with this event exists anywhere: `{UPDATE}=1 make test ARGS=tests/house`."
    )


def test_no_golden_fold_is_left_without_its_event() -> None:
    kept = {path.relative_to(GOLDEN).with_suffix("").as_posix() for path in GOLDEN.rglob("*.txt")}

    assert kept - set(FOLDS) == set(), "An event of recorded logs must keep its fold."
