"""In the executor, steps leave by one door, effects by another, and snapshots of rows by a third."""

from __future__ import annotations

import ast

from tests.house import source

STEPS = "executor/partition.py"
ELSEWHERE = "executor/effects.py"
SNAPSHOTS = "executor/state/snapshot.py"
"""Rows on their compacted topic: nobody acts on them, an owner without local files reads them."""


def appends_to_a_log(node: ast.AST) -> bool:
    """Tell a `Writer.append` from a list's: it takes topic, partition, key and value."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "append"
        and (len(node.args) >= 2 or any(keyword.arg in {"durable", "context"} for keyword in node.keywords))
    )


def test_only_three_modules_of_the_executor_append_to_the_log() -> None:
    problems = [
        f"{path}:{node.lineno}"
        for path in source.python_files("executor")
        if path.as_posix() not in {STEPS, ELSEWHERE, SNAPSHOTS}
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Call) and appends_to_a_log(node)
    ]

    assert not problems, source.report(
        problems, f"A step is appended in {STEPS}, a snapshot in {SNAPSHOTS}; everything else leaves by {ELSEWHERE}."
    )


def test_steps_are_written_by_the_partition_only() -> None:
    problems = [
        f"{path} uses {name}"
        for path in source.python_files("executor")
        if path.as_posix() != STEPS
        for name in ("StepWriter", "encode_step")
        if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(source.tree(path)))
    ]

    assert not problems, source.report(problems, f"Only {STEPS} writes steps: it alone knows the writer's rule.")
