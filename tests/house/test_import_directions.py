"""Who may import whom: the layers, no knots, and a pure engine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.house import source

IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "globals", "breakpoint"}
IMPURE_ATTRIBUTES = {"uuid1", "uuid4", "now", "utcnow", "today", "urandom", "getenv", "environ"}


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    ran = subprocess.run([linter, "--no-cache"], cwd=source.ROOT, capture_output=True, text=True)

    assert ran.returncode == 0, (
        f"{ran.stdout}{ran.stderr}\nMove the code to the layer that may do this, or pass a value down; "
        "the contracts stand in pyproject.toml, [tool.importlinter]."
    )


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        name: sorted({target for target, _ in source.imports(path)} - {name}) for name, path in source.modules().items()
    }

    circle = find_circle(graph)

    assert circle is None, (
        f"{' -> '.join(circle or ())}\nImports inside functions and under TYPE_CHECKING count. Move what both need "
        "into a module of its own below them, or hand it over as an argument."
    )


def test_the_circle_search_finds_a_circle() -> None:
    assert find_circle({"a": ["b"], "b": ["c", "d"], "c": [], "d": ["a"]}) == ["a", "b", "d", "a"]
    assert find_circle({"a": ["b", "c"], "b": ["c"], "c": []}) is None


def find_circle(graph: dict[str, list[str]]) -> list[str] | None:
    """Return one circle, its first module repeated at the end."""
    finished: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str] | None:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in finished:
            return None
        for target in graph.get(name, ()):
            circle = visit(target, [*way, name])
            if circle:
                return circle
        finished.add(name)
        return None

    return next((circle for name in sorted(graph) if (circle := visit(name, []))), None)


def test_the_engine_does_nothing_to_the_world() -> None:
    problems = []
    for path in source.python_files("engine"):
        for node in ast.walk(source.tree(path)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in IMPURE_CALLS:
                problems.append(f"{path}:{node.lineno} calls {called.id}()")
            elif isinstance(called, ast.Attribute) and called.attr in IMPURE_ATTRIBUTES and not called_on_self(called):
                problems.append(f"{path}:{node.lineno} calls .{called.attr}()")
            elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global):
                problems.append(f"{path}:{node.lineno} has {type(node).__name__}")

    assert not problems, source.report(
        problems, "The engine is pure: time comes in as `at_ms`, ids are derived, files are read by who calls it."
    )


def called_on_self(attribute: ast.Attribute) -> bool:
    return isinstance(attribute.value, ast.Name) and attribute.value.id == "self"
