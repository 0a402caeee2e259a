"""How big a file, a function and a constructor may become."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house import source

FUNCTION_LINES_MAX = 70
CONSTRUCTOR_ARGUMENTS_MAX = 8


def lines_allowed(path: Path) -> int:
    return {"engine": 300, "tests": 600}.get(path.parts[0], 500)


def test_no_file_is_too_long() -> None:
    problems = [
        f"{path} has {lines} lines, {lines_allowed(path)} are allowed"
        for path in source.python_files(*source.PACKAGES, "tests")
        if (lines := len(source.text(path).splitlines())) > lines_allowed(path)
    ]

    assert not problems, source.report(problems, "Split it where two ideas meet; a file holds one.")


def test_no_function_is_too_long() -> None:
    problems = [
        f"{path}:{function.lineno} {function.name} has {lines} lines"
        for path in source.python_files(*source.PACKAGES, "tests")
        for function in source.functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert not problems, source.report(
        problems, f"At most {FUNCTION_LINES_MAX} lines: keep the deciding in this function, move the doing into others."
    )


def test_no_constructor_takes_too_many_arguments() -> None:
    problems = []
    for path in source.python_files(*source.PACKAGES):
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                count = len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs) - 1
                if count > CONSTRUCTOR_ARGUMENTS_MAX:
                    problems.append(f"{path}:{node.lineno} takes {count} arguments")

    assert not problems, source.report(
        problems, f"At most {CONSTRUCTOR_ARGUMENTS_MAX}: a class that needs more does more than one thing."
    )
