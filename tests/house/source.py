"""The tree as the house rules see it: files, syntax trees, imports. Reads nothing but source text."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "schemas", "topics", "executor", "worker", "api", "deploy")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file of the project, relative to its root: what git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = {Path(name) for name in listed.split("\0") if name}
    return tuple(sorted(path for path in found if (ROOT / path).is_file()))


def python_files(*tops: str) -> tuple[Path, ...]:
    """The Python files below these top folders, relative to the root."""
    return tuple(path for path in files() if path.suffix == ".py" and path.parts[0] in tops)


@functools.cache
def text(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    return {module_name(path): path for path in python_files(*PACKAGES)}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (module of the product, line) of every import: also those inside functions and under TYPE_CHECKING."""
    known = modules()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names = [(alias.name, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports relatively; write the whole name"
            names = [(f"{node.module}.{alias.name}", str(node.module)) for alias in node.names]
        else:
            continue
        for whole, parent in names:
            if whole in known:
                yield whole, node.lineno
            elif parent in known:
                yield parent, node.lineno


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def docstrings(module: ast.Module) -> set[int]:
    """Ids of the constants that are prose: docstrings of modules, classes, functions, and attributes."""
    prose = set()
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                prose.add(id(statement.value))
    return prose


def strings(path: Path) -> Iterator[ast.Constant]:
    """Yield the string constants that aren't prose; parts of f-strings count."""
    prose = docstrings(tree(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


def report(problems: list[str], remedy: str) -> str:
    """Return the text of a failure: every place, then what to do."""
    return "\n  ".join(["", *problems, "", remedy])
